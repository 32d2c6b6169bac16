" Vim: the directives of ngx_http_task_module, where files of nginx are shown.
" It adds to Vim's own syntax/nginx.vim, and stands in after/syntax/nginx/ of a
" directory of 'runtimepath', as ~/.vim.

syn match ngxTaskName /\<[A-Za-z_][A-Za-z0-9_]*\ze=/ contained
syn match ngxTaskWord /\<\%(async\|thread\|sync\|json\|prometheus\|required\|none\|default\|everysec\|always\)\>/ contained
syn match ngxTaskWord /\<\%(on\|off\)\>/ contained

" A directive, from where a statement begins to its semicolon.

syn region ngxTask matchgroup=ngxTaskDirective start=/\%(\%(^\|[{};]\)\s*\)\@<=\%(quick\|task\|task_background\|task_idempotency\|task_ignore_client_abort\|task_job_redis\|task_job_zone\|task_jobs\|task_limit\|task_limit_log_level\|task_load\|task_mode\|task_openapi\|task_openapi_hide\|task_param\|task_ready\|task_set\|task_shutdown_timeout\|task_stall_log\|task_stats\|task_status\|task_stream_buffer\|task_stream_ping\|task_timeout\|task_zone\)\ze\%(\s\|;\|$\)/ end=/;/ contains=ngxTaskName,ngxTaskWord,ngxVariable,ngxString,ngxInteger,ngxComment

hi def link ngxTaskDirective Function
hi def link ngxTaskName PreProc
hi def link ngxTaskWord Keyword
