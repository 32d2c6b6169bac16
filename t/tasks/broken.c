
/*
 * Libraries that are wrong, one for each value of BROKEN; and others that are
 * right, for VERSION.
 */


#include <ngx_task.h>


static ngx_task_rc_t
fine(ngx_task_t *t)
{
    (void) t;

    return NGX_TASK_OK;
}


typedef struct {
    int64_t  n;
} args_t;


static const ngx_task_param_t  params[] = {

#if (BROKEN == 10)
    { "n", (ngx_task_type_t) 99, 0, "1", NULL, NULL, "", NULL },
#elif (BROKEN == 11)
    { "n", NGX_TASK_INT, sizeof(args_t), "1", NULL, NULL, "", NULL },
#elif (BROKEN == 12)
    { "n", NGX_TASK_ENUM, 0, "1", NULL, NULL, "", NULL },
#elif (BROKEN == 13)
    { "n", NGX_TASK_INT, 0, "one", NULL, NULL, "", NULL },
#elif (BROKEN == 14)
    { "n", NGX_TASK_INT, 0, "1", "few", NULL, "", NULL },
#elif (BROKEN == 15)
    { "n", NGX_TASK_INT, 0, "1", NULL, NULL, "", NULL },
    { "n", NGX_TASK_INT, 0, "1", NULL, NULL, "", NULL },
#elif (BROKEN == 16)
    { "n", NGX_TASK_INT, 0, "9", "1", "5", "", NULL },
#elif (BROKEN == 17)
    { "n m", NGX_TASK_INT, 0, "1", NULL, NULL, "", NULL },
#elif (BROKEN == 18)
    { "n", NGX_TASK_BOOL, 0, "1", "0", NULL, "", NULL },
#elif (BROKEN == 21)
    { "n", NGX_TASK_NUMBER, 0, "1", "nan", NULL, "", NULL },
#else
    { "n", NGX_TASK_INT, 0, "1", NULL, NULL, "", NULL },
#endif

    { NULL, NGX_TASK_INT, 0, NULL, NULL, NULL, NULL, NULL }
};


static const ngx_task_function_t  functions[] = {

#if (BROKEN == 1)
    { "", "", fine, NULL, 0, NULL, 0, 0 },
#elif (BROKEN == 2)
    { "formless", "", NULL, NULL, 0, NULL, 0, 0 },
#elif (BROKEN == 3)
    { "twin", "", fine, NULL, 0, NULL, 0, 0 },
    { "twin", "", fine, NULL, 0, NULL, 0, 0 },
#elif (BROKEN == 4)
    { "flagged", "", fine, NULL, 0, NULL, 0, 0x8000 },
#else
    { "fine", "", fine, NULL, sizeof(args_t), params, 0, 0 },
    { "values", "", fine, NULL, 0, NULL, 0, 0 },
#endif

    { NULL, NULL, NULL, NULL, 0, NULL, 0, 0 }
};


#if (BROKEN == 5)

const int  ngx_task_nothing = 1;
const ngx_task_function_t  *unused = functions;

#elif (BROKEN >= 6 && BROKEN <= 9)

NGX_TASK_EXPORT const ngx_task_library_t  ngx_task_library;

const ngx_task_library_t  ngx_task_library = {
    NGX_TASK_ABI_MAJOR + (BROKEN == 6), NGX_TASK_ABI_MINOR + (BROKEN == 7),
    sizeof(ngx_task_library_t),
    sizeof(ngx_task_function_t) - 8 * (BROKEN == 8), sizeof(ngx_task_param_t),
    "broken", BROKEN == 9 ? NULL : functions, NULL, NULL
};

#elif (BROKEN == 19)

NGX_TASK_LIBRARY(NULL, functions, NULL, NULL);

#elif (BROKEN == 20)

extern void  ngx_task_of_the_future(void);

static void
stop(void)
{
    ngx_task_of_the_future();
}

NGX_TASK_LIBRARY("broken", functions, NULL, stop);

#else

NGX_TASK_LIBRARY("broken", functions, NULL, NULL);

#endif
