// Test-only shim, loaded with LD_PRELOAD: records every write, truncation and completed sync of regular files below
// $POWER_DIRECTORY in $POWER_JOURNAL, in the order in which they happened. The test replays the record to see what a
// disk holds that lost its power.
//
// Record: op (1 byte), path length (4), path, offset (8), length (8), then `length` bytes for 'W'.
//   'W' write at offset; 'T' truncate to offset; 'S' a sync has ended that began at this offset of the journal.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static uint64_t written = 0;

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, #name))
typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off64_t);
typedef int (*sync_fn)(int);
typedef int (*truncate_fn)(int, off64_t);

static int below(int fd, char *path) {
    const char *directory = getenv("POWER_DIRECTORY");
    char link[64];
    if (!directory || fd == journal) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_MAX - 1);
    if (len <= 0) return 0;
    path[len] = 0;
    size_t prefix = strlen(directory);
    return strncmp(path, directory, prefix) == 0 && path[prefix] == '/';
}

static void emit(const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        ssize_t done = REAL(write, write_fn)(journal, at, len);
        if (done <= 0) _exit(97);
        at += done, len -= (size_t)done, written += (uint64_t)done;
    }
}

// The caller holds the lock.
static void record(char op, const char *path, uint64_t offset, const void *bytes, uint64_t len) {
    if (journal < 0) journal = open(getenv("POWER_JOURNAL"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) _exit(98);
    uint32_t path_len = (uint32_t)strlen(path);
    emit(&op, 1), emit(&path_len, 4), emit(path, path_len), emit(&offset, 8), emit(&len, 8);
    if (bytes) emit(bytes, len);
}

ssize_t write(int fd, const void *bytes, size_t len) {
    char path[PATH_MAX];
    if (!below(fd, path)) return REAL(write, write_fn)(fd, bytes, len);
    pthread_mutex_lock(&lock);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = REAL(write, write_fn)(fd, bytes, len);
    if (done > 0) record('W', path, (uint64_t)offset, bytes, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) {
    char path[PATH_MAX];
    if (!below(fd, path)) return REAL(pwrite64, pwrite_fn)(fd, bytes, len, offset);
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(pwrite64, pwrite_fn)(fd, bytes, len, offset);
    if (done > 0) record('W', path, (uint64_t)offset, bytes, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) { return pwrite64(fd, bytes, len, offset); }

int ftruncate64(int fd, off64_t len) {
    char path[PATH_MAX];
    if (!below(fd, path)) return REAL(ftruncate64, truncate_fn)(fd, len);
    pthread_mutex_lock(&lock);
    int done = REAL(ftruncate64, truncate_fn)(fd, len);
    if (done == 0) record('T', path, (uint64_t)len, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t len) { return ftruncate64(fd, len); }

static int synced(int fd, sync_fn sync) {
    char path[PATH_MAX];
    if (!below(fd, path)) return sync(fd);
    pthread_mutex_lock(&lock);
    uint64_t begun = written;
    pthread_mutex_unlock(&lock);
    int done = sync(fd);
    pthread_mutex_lock(&lock);
    if (done == 0) record('S', path, begun, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return synced(fd, REAL(fsync, sync_fn)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync, sync_fn)); }
