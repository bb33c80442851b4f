// Test-only shim, loaded with LD_PRELOAD: fsync and fdatasync fail with EIO while the file $FAILING_SYNCS is there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*sync_fn)(int);

static int fails(void) {
    const char *file = getenv("FAILING_SYNCS");
    if (!file || access(file, F_OK) != 0) return 0;
    errno = EIO;
    return 1;
}

int fsync(int fd) { return fails() ? -1 : ((sync_fn)dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { return fails() ? -1 : ((sync_fn)dlsym(RTLD_NEXT, "fdatasync"))(fd); }
