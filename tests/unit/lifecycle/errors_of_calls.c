/* Preloaded into a test's process: has one call of the C library fail with EIO, as of a disk that breaks. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#undef pread
#undef pwrite

static char wanted[32], below[4096];
static long left = -1;

/* Have the call of this function fail, for a file below a folder, after so many that succeed. */
void fail_after(const char *function, const char *folder, long successes) {
    snprintf(wanted, sizeof wanted, "%s", function);
    snprintf(below, sizeof below, "%s", folder);
    left = successes;
}

/* Return whether it has failed since. */
int has_failed(void) { return left < 0; }

static int fails(const char *function, int file) {
    char link[64], path[4096];
    if (left < 0 || strcmp(function, wanted)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, below, strlen(below)) || left-- > 0) return 0;
    errno = EIO;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *data, size_t size) {
    return fails("write", file) ? -1 : REAL(write)(file, data, size);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return fails("write", file) ? -1 : REAL(pwrite64)(file, data, size, at);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return fails("write", file) ? -1 : REAL(pwrite)(file, data, size, at);
}
ssize_t read(int file, void *data, size_t size) {
    return fails("read", file) ? -1 : REAL(read)(file, data, size);
}
int fsync(int file) { return fails("sync", file) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails("sync", file) ? -1 : REAL(fdatasync)(file); }
int syncfs(int file) { return fails("sync", file) ? -1 : REAL(syncfs)(file); }
int unlinkat(int folder, const char *name, int flags) {
    return fails("unlink", folder) ? -1 : REAL(unlinkat)(folder, name, flags);
}
int mkdirat(int folder, const char *name, mode_t mode) {
    return fails("mkdir", folder) ? -1 : REAL(mkdirat)(folder, name, mode);
}
int renameat2(int folder, const char *name, int to, const char *to_name, unsigned flags) {
    return fails("rename", folder) ? -1 : REAL(renameat2)(folder, name, to, to_name, flags);
}
int openat64(int folder, const char *name, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return fails("open", folder) ? -1 : REAL(openat64)(folder, name, flags, mode);
}
