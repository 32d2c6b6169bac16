
/*
 * Work for a CPU: it runs in a thread, where it may take as long as it likes,
 * and looks from time to time whether anybody still waits.
 */


#include <ngx_task.h>


typedef struct {
    int64_t  limit;
} primes_args_t;


static int
is_prime(int64_t n)
{
    int64_t  i;

    for (i = 2; i * i <= n; i++) {
        if (n % i == 0) {
            return 0;
        }
    }

    return 1;
}


static ngx_task_rc_t
primes(ngx_task_t *t)
{
    int64_t               n, found;
    const primes_args_t  *args;

    args = ngx_task_args(t);

    for (n = 2, found = 0; n <= args->limit; n++) {

        if (ngx_task_cancelled(t)) {
            return NGX_TASK_CANCELLED;
        }

        found += is_prime(n);
    }

    ngx_task_set_int(t, "primes", found);

    return NGX_TASK_OK;
}


static const ngx_task_param_t  primes_params[] = {

    NGX_TASK_PARAM(primes_args_t, limit,
                   .def = "1000000", .min = "2", .max = "100000000",
                   .summary = "count the primes up to here")
};


static const ngx_task_function_t  functions[] = {

    NGX_TASK_FUNCTION("primes", .summary = "counts primes", .block = primes,
                      .args = NGX_TASK_ARGS(primes_args_t, primes_params))
};


NGX_TASK_LIBRARY("primes", functions, NULL, NULL);
