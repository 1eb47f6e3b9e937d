/*
 * A disk that fails on order, for one process: loaded with LD_PRELOAD, it stands between the process and the C library
 * and looks at every call that touches a file below FAULTY_ROOT. The product has no failpoints of its own and pays
 * nothing for these.
 *
 *   FAULTY_ROOT    absolute path of the folder that is watched; without it, nothing happens
 *   FAULTY_POINT   which calls count: a kind ("write", "sync", "read", "open", "rename", "unlink", "truncate", "mkdir",
 *                  "any" for all of them but "read" and "sync"), or a point's name: kind, space, path below the root; a run of six
 *                  or more digits (also hex) is one '#'
 *   FAULTY_NUMBER  the how-manieth of them, from 1
 *   FAULTY_ACTION  "kill-before", "kill-after", "kill-half" (half of a write is done), "short" (a write does half and says
 *                  so), or the name of an error
 *   FAULTY_EVER    "1": that one and all that follow
 *   FAULTY_TRACE   a file that gets one line for each point that was passed
 *
 * A process that lives through many faults gives itself the next one by opening the path
 * /faulty-disk/POINT,NUMBER,ACTION,EVER (there is no such file: the call fails); an empty POINT: none.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum outcome { GO, FAIL, HALF, DIE_AFTER, DIE_HALF };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *point, *action;
static long number, passed;
static int ever, trace = -1, failure;
static char order[800];

static const struct { const char *name; int code; } failures[] = {
  { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EROFS", EROFS }, { "EMFILE", EMFILE },
};

static int code_of(const char *name) {
  for (size_t i = 0; name && i < sizeof failures / sizeof *failures; i++)
    if (!strcmp(name, failures[i].name)) return failures[i].code;
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *text;
  root = getenv("FAULTY_ROOT");
  point = getenv("FAULTY_POINT");
  action = getenv("FAULTY_ACTION");
  if ((text = getenv("FAULTY_NUMBER"))) number = atol(text);
  if ((text = getenv("FAULTY_EVER"))) ever = *text == '1';
  if ((text = getenv("FAULTY_TRACE"))) trace = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  failure = code_of(action);
}

/* The next fault; what was passed before does not count. */
static void take_order(const char *text) {
  char *part = order;
  pthread_mutex_lock(&lock);
  snprintf(order, sizeof order, "%s", text);
  point = strsep(&part, ",");
  number = part ? atol(strsep(&part, ",")) : 0;
  action = part ? strsep(&part, ",") : NULL;
  ever = part && *part == '1';
  passed = failure = 0;
  failure = code_of(action);
  pthread_mutex_unlock(&lock);
}

/* The name of the point into `name`; 0 when the path is not below the root. */
static int name_of(const char *kind, const char *path, char *name, size_t size) {
  size_t length = root ? strlen(root) : 0, at;
  if (!root || !path || strncmp(path, root, length) || (path[length] != '/' && path[length])) return 0;
  path += length + (path[length] == '/');
  at = (size_t)snprintf(name, size, "%s ", kind);
  while (*path && at + 2 < size) {
    size_t run = strspn(path, "0123456789abcdef");
    if (run >= 6) name[at++] = '#', path += run;
    else do name[at++] = *path++; while (run-- > 1 && at + 2 < size);
  }
  name[at] = 0;
  return 1;
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* What is to become of this call. */
static enum outcome judge(const char *kind, const char *path) {
  char name[600];
  enum outcome result = GO;
  long mine = 0;
  if (!name_of(kind, path, name, sizeof name)) return GO;
  pthread_mutex_lock(&lock);
  if (trace >= 0) {
    char line[620];
    int length = snprintf(line, sizeof line, "%s\n", name);
    syscall(SYS_write, trace, line, length);
  }
  if (point && action && (!strcmp(point, kind) || !strcmp(point, name) || (!strcmp(point, "any") && strcmp(kind, "read") && strcmp(kind, "sync")))) mine = ++passed;
  if (mine && (mine == number || (ever && mine > number))) {
    if (!strcmp(action, "kill-before")) die();
    result = failure ? FAIL : !strcmp(action, "short") ? HALF : !strcmp(action, "kill-half") ? DIE_HALF : DIE_AFTER;
    if (failure) errno = failure;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

static enum outcome judge_fd(const char *kind, int fd) {
  char link[40], path[512];
  ssize_t length;
  if (!root) return GO;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = syscall(SYS_readlink, link, path, sizeof path - 1);
  if (length <= 0) return GO;
  path[length] = 0;
  return judge(kind, path);
}

#define REAL(type, symbol, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, symbol))
#define GUARD(kind, fd, call) \
  enum outcome outcome = judge_fd(kind, fd); \
  if (outcome == FAIL) return -1; \
  if ((outcome == HALF || outcome == DIE_HALF) && length > 1) length /= 2; \
  long result = call; \
  if (outcome == DIE_AFTER || outcome == DIE_HALF) die(); \
  return result

ssize_t write(int fd, const void *bytes, size_t length) { GUARD("write", fd, syscall(SYS_write, fd, bytes, length)); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { GUARD("write", fd, syscall(SYS_pwrite64, fd, bytes, length, at)); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { GUARD("write", fd, syscall(SYS_pwrite64, fd, bytes, length, at)); }
ssize_t writev(int fd, const struct iovec *parts, int length) { GUARD("write", fd, syscall(SYS_writev, fd, parts, length)); }
ssize_t pwritev(int fd, const struct iovec *parts, int length, off_t at) { GUARD("write", fd, syscall(SYS_pwritev, fd, parts, length, at, 0)); }
ssize_t read(int fd, void *bytes, size_t length) { GUARD("read", fd, syscall(SYS_read, fd, bytes, length)); }
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) { GUARD("read", fd, syscall(SYS_pread64, fd, bytes, length, at)); }
ssize_t pread(int fd, void *bytes, size_t length, off_t at) { GUARD("read", fd, syscall(SYS_pread64, fd, bytes, length, at)); }
int fsync(int fd) { size_t length = 0; GUARD("sync", fd, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { size_t length = 0; GUARD("sync", fd, syscall(SYS_fdatasync, fd)); }
int ftruncate64(int fd, off64_t size) { size_t length = 0; GUARD("truncate", fd, syscall(SYS_ftruncate, fd, size)); }
int ftruncate(int fd, off_t size) { size_t length = 0; GUARD("truncate", fd, syscall(SYS_ftruncate, fd, size)); }

#define GUARD_PATH(kind, path, call) \
  enum outcome outcome = judge(kind, path); \
  if (outcome == FAIL) return -1; \
  int result = call; \
  if (outcome != GO) die(); \
  return result

int rename(const char *from, const char *to) { GUARD_PATH("rename", to, syscall(SYS_rename, from, to)); }
int unlink(const char *path) { GUARD_PATH("unlink", path, syscall(SYS_unlink, path)); }
int rmdir(const char *path) { GUARD_PATH("unlink", path, syscall(SYS_rmdir, path)); }
int mkdir(const char *path, mode_t mode) { GUARD_PATH("mkdir", path, syscall(SYS_mkdir, path, mode)); }

int remove(const char *path) { GUARD_PATH("unlink", path, REAL(int, "remove", const char *)(path)); }

int unlinkat(int folder, const char *name, int flags) {
  char link[40], path[1024];
  ssize_t length = 0;
  if (*name != '/' && folder != AT_FDCWD) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    length = syscall(SYS_readlink, link, path, 500);
    if (length < 0) length = 0;
    path[length++] = '/';
  }
  snprintf(path + length, sizeof path - (size_t)length, "%s", name);
  GUARD_PATH("unlink", path, syscall(SYS_unlinkat, folder, name, flags));
}

static int open_with(const char *path, int flags, mode_t mode) {
  if (!strncmp(path, "/faulty-disk/", 13)) take_order(path + 13);
  GUARD_PATH("open", path, syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

#define OPEN(symbol) \
  int symbol(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return open_with(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
