/* A disk that fails: preloaded into a program, it makes calls on some files fail as long as a switch file says so.
   FAULTY_FILES: part of the path of those files. FAULTY_SWITCH: a file with lines of a call and an errno, "write 116". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Says whether a call on this path is to fail, and sets errno. Calls the kernel itself, not what is replaced below. */
static int fails(const char *call, const char *path) {
    const char *part = getenv("FAULTY_FILES"), *name = getenv("FAULTY_SWITCH");
    if (!part || !name || !path || !strstr(path, part)) return 0;
    char said[256], *line, *rest = said;
    long from = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY);
    if (from < 0) return 0;
    long size = syscall(SYS_read, from, said, sizeof said - 1);
    syscall(SYS_close, from);
    said[size > 0 ? size : 0] = 0;
    while ((line = strtok_r(rest, "\n", &rest))) {
        char word[32];
        int number;
        if (sscanf(line, "%31s %d", word, &number) == 2 && !strcmp(word, call)) {
            errno = number;
            return 1;
        }
    }
    return 0;
}

static int fails_on(const char *call, int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    long size = syscall(SYS_readlink, link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return fails(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                       \
    int name(const char *path, int flags, ...) {         \
        va_list more;                                    \
        va_start(more, flags);                           \
        mode_t mode = va_arg(more, mode_t);              \
        va_end(more);                                    \
        if (fails("open", path)) return -1;              \
        return REAL(name)(path, flags, mode);            \
    }
OPEN(open)
OPEN(open64)

#define STAT(name, kind)                                 \
    int name(const char *path, struct kind *found) {     \
        if (fails("stat", path)) return -1;              \
        return REAL(name)(path, found);                  \
    }
STAT(stat, stat)
STAT(stat64, stat64)

#define FSTAT(name, kind)                                \
    int name(int descriptor, struct kind *found) {       \
        if (fails_on("fstat", descriptor)) return -1;    \
        return REAL(name)(descriptor, found);            \
    }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

#define TRUNCATE(name, kind)                             \
    int name(int descriptor, kind size) {                \
        if (fails_on("truncate", descriptor)) return -1; \
        return REAL(name)(descriptor, size);             \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define PREAD(name, kind)                                                \
    ssize_t name(int descriptor, void *data, size_t size, kind place) {  \
        if (fails_on("read", descriptor)) return -1;                     \
        return REAL(name)(descriptor, data, size, place);                \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t read(int descriptor, void *data, size_t size) {
    if (fails_on("read", descriptor)) return -1;
    return REAL(read)(descriptor, data, size);
}

/* "half" writes what it is given but for the last ten bytes, and the next write of "write" fails: a line is torn. */
ssize_t write(int descriptor, const void *data, size_t size) {
    if (size > 10 && fails_on("half", descriptor)) return REAL(write)(descriptor, data, size - 10);
    if (fails_on("write", descriptor)) return -1;
    return REAL(write)(descriptor, data, size);
}

int fsync(int descriptor) {
    if (fails_on("fsync", descriptor)) return -1;
    return REAL(fsync)(descriptor);
}
