
/*
 * Functions of a library in place of which another object's are called, since
 * that has one of the same name, such as zlib's crc32(): a wrong answer, and no
 * error.  Linked with -Bsymbolic a library calls its own.
 */


#include "function/ngx_http_task_function.h"

#include <dlfcn.h>
#include <link.h>


typedef ElfW(Sym)   ngx_http_task_symbol_t;
typedef ElfW(Rela)  ngx_http_task_rela_t;
typedef ElfW(Addr)  ngx_http_task_addr_t;


/* what of a loaded object is looked at: its relocations, and their symbols */

typedef struct {
    ngx_http_task_addr_t           base;
    const ngx_http_task_symbol_t  *symbols;
    const char                    *names;
    const ngx_http_task_rela_t    *relas[2];     /* of calls; all others */
    size_t                         sizes[2];     /* bytes */
} ngx_http_task_symbols_t;


static void ngx_http_task_symbols_read(ngx_http_task_symbols_t *symbols,
    const struct link_map *map);
static const ngx_http_task_symbol_t *ngx_http_task_symbols_taken(
    ngx_http_task_symbols_t *symbols, const ngx_http_task_rela_t *rela,
    void **by);


void
ngx_http_task_symbols_check(ngx_conf_t *cf, ngx_str_t *file, void *handle)
{
    void                          *by;
    size_t                         n;
    Dl_info                        info;
    ngx_uint_t                     i;
    struct link_map               *map;
    ngx_http_task_symbols_t        symbols;
    const ngx_http_task_symbol_t  *symbol;

    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) {
        return;
    }

    ngx_http_task_symbols_read(&symbols, map);

    for (i = 0; i < 2; i++) {
        for (n = 0; n < symbols.sizes[i] / sizeof(ngx_http_task_rela_t); n++) {

            symbol = ngx_http_task_symbols_taken(&symbols,
                                                 &symbols.relas[i][n], &by);

            /* data of its own may have been changed by a constructor */

            if (symbol == NULL || dladdr(by, &info) == 0
                || info.dli_fbase == (void *) symbols.base)
            {
                continue;
            }

            (void) ngx_http_task_conf_log(cf, NGX_LOG_WARN, NULL,
                           "\"%V\" has a \"%s\" of its own, but uses that of "
                           "\"%s\": link it with -Wl,-Bsymbolic", file,
                           symbols.names + symbol->st_name, info.dli_fname);
            return;
        }
    }
}


/* some systems have made addresses of these offsets, others have not */

static void
ngx_http_task_symbols_read(ngx_http_task_symbols_t *symbols,
    const struct link_map *map)
{
    const ElfW(Dyn)       *d;
    ngx_http_task_addr_t   at;

    ngx_memzero(symbols, sizeof(ngx_http_task_symbols_t));

    symbols->base = map->l_addr;

    for (d = map->l_ld; d->d_tag != DT_NULL; d++) {

        at = d->d_un.d_ptr;

        if (at < map->l_addr) {
            at += map->l_addr;
        }

        switch (d->d_tag) {

        case DT_SYMTAB:
            symbols->symbols = (const ngx_http_task_symbol_t *) at;
            break;

        case DT_STRTAB:
            symbols->names = (const char *) at;
            break;

        case DT_JMPREL:
            symbols->relas[0] = (const ngx_http_task_rela_t *) at;
            break;

        case DT_PLTRELSZ:
            symbols->sizes[0] = d->d_un.d_val;
            break;

        case DT_RELA:
            symbols->relas[1] = (const ngx_http_task_rela_t *) at;
            break;

        case DT_RELASZ:
            symbols->sizes[1] = d->d_un.d_val;
            break;

        case DT_PLTREL:

            /* where relocations have no addends nothing is looked at */

            if (d->d_un.d_val != DT_RELA) {
                ngx_memzero(symbols->sizes, sizeof(symbols->sizes));
                return;
            }
        }
    }
}


/*
 * Returns a symbol that the library has, and sets what is used instead; or
 * NULL.  Weak symbols, such as templates of C++, are shared on purpose.
 */

static const ngx_http_task_symbol_t *
ngx_http_task_symbols_taken(ngx_http_task_symbols_t *symbols,
    const ngx_http_task_rela_t *rela, void **by)
{
    ngx_uint_t                     type;
    ngx_http_task_addr_t           own, used;
    const ngx_http_task_symbol_t  *symbol;

#if (NGX_PTR_SIZE == 8)
    symbol = symbols->symbols + ELF64_R_SYM(rela->r_info);
    type = ELF64_ST_TYPE(symbol->st_info);
#else
    symbol = symbols->symbols + ELF32_R_SYM(rela->r_info);
    type = ELF32_ST_TYPE(symbol->st_info);
#endif

    if (symbol == symbols->symbols
        || symbol->st_shndx == SHN_UNDEF
        || symbol->st_info >> 4 != STB_GLOBAL
        || (type != STT_FUNC && type != STT_OBJECT))
    {
        return NULL;
    }

    own = symbols->base + symbol->st_value + rela->r_addend;
    used = *(const ngx_http_task_addr_t *) (symbols->base + rela->r_offset);

    *by = (void *) used;

    return (used != own) ? symbol : NULL;
}
