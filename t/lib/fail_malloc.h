
/* included behind fail.h, for a module that also calls malloc() */


#include <stdlib.h>


#define malloc(n)  (fail_now() ? NULL : (malloc)(n))
