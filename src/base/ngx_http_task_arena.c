
/*
 * Memory of which there may be megabytes, for as long as a request lives.  To
 * free so much takes milliseconds, nearly all of them in the kernel, and a pool
 * is freed at once; nor does it help to free it piece by piece: at some of the
 * pieces malloc() gives all of it back.  So this is in chunks that are mapped,
 * and are unmapped step by step.
 */


#include "base/ngx_http_task_base.h"

#include <sys/mman.h>


/* the size of a chunk, bytes: 10 microseconds to unmap */

#define NGX_HTTP_TASK_ARENA_CHUNK  65536


struct ngx_http_task_chunk_s {
    ngx_http_task_chunk_t   *next;
    u_char                  *pos;
    u_char                  *end;
};


static void ngx_http_task_arena_cleanup(void *data);
static ngx_uint_t ngx_http_task_arena_step(ngx_http_task_work_t *work);


/* chunks of arenas that are gone */

static ngx_http_task_chunk_t  *ngx_http_task_arena_gone;
static ngx_http_task_work_t    ngx_http_task_arena_work;


ngx_http_task_arena_t *
ngx_http_task_arena_create(ngx_pool_t *pool)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_task_arena_t  *arena;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_http_task_arena_t));
    if (cln == NULL) {
        return NULL;
    }

    arena = cln->data;
    arena->chunks = NULL;

    cln->handler = ngx_http_task_arena_cleanup;

    return arena;
}


void *
ngx_http_task_arena_alloc(ngx_http_task_arena_t *arena, size_t size)
{
    u_char                 *p;
    size_t                  n;
    ngx_http_task_chunk_t  *chunk;

    size = ngx_align(size, NGX_ALIGNMENT);
    chunk = arena->chunks;

    if (chunk == NULL || (size_t) (chunk->end - chunk->pos) < size) {
        n = ngx_max(NGX_HTTP_TASK_ARENA_CHUNK,
                    sizeof(ngx_http_task_chunk_t) + size);

        chunk = mmap(NULL, n, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS,
                     -1, 0);
        if (chunk == MAP_FAILED) {
            return NULL;
        }

        chunk->pos = (u_char *) chunk + sizeof(ngx_http_task_chunk_t);
        chunk->end = (u_char *) chunk + n;
        chunk->next = arena->chunks;

        if (arena->chunks == NULL) {
            arena->last = chunk;
        }

        arena->chunks = chunk;
    }

    p = chunk->pos;
    chunk->pos += size;

    return p;
}


void *
ngx_http_task_space_alloc(ngx_http_task_space_t *space, size_t size)
{
    return space->arena ? ngx_http_task_arena_alloc(space->arena, size)
                        : ngx_palloc(space->pool, size);
}


static void
ngx_http_task_arena_cleanup(void *data)
{
    ngx_http_task_arena_t *arena = data;

    /* thousands of chunks are not looked at one by one */

    if (arena->chunks) {
        arena->last->next = ngx_http_task_arena_gone;
        ngx_http_task_arena_gone = arena->chunks;

        ngx_http_task_arena_work.step = ngx_http_task_arena_step;
        ngx_http_task_work_begin(&ngx_http_task_arena_work);
    }
}


static ngx_uint_t
ngx_http_task_arena_step(ngx_http_task_work_t *work)
{
    u_char                 *end;
    size_t                  size;
    ngx_http_task_chunk_t  *chunk;

    chunk = ngx_http_task_arena_gone;
    size = chunk->end - (u_char *) chunk;

    if (size > 2 * NGX_HTTP_TASK_ARENA_CHUNK) {

        /* a large one is given back from its end */

        end = (u_char *) chunk + ngx_align(size - NGX_HTTP_TASK_ARENA_CHUNK,
                                           NGX_HTTP_TASK_ARENA_CHUNK);

        if (munmap(end, chunk->end - end) == 0) {
            chunk->end = end;
            return 1;
        }
    }

    ngx_http_task_arena_gone = chunk->next;

    (void) munmap(chunk, size);

    return ngx_http_task_arena_gone != NULL;
}
