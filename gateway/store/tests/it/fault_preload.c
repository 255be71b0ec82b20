/* Preloaded into a writer by the fault tests (fault.rs): what a file holds after a power cut, and calls that fail.
 *
 * Watches the regular files of FAULT_DIR but SQLite's shared memory, which no power cut keeps. All by the environment:
 *   FAULT_SHADOW  directory that gets what a file held at its last successful fsync, and nothing else
 *   FAULT_FORGET  the write-ahead log is kept only when a checkpoint begins, as with synchronous=NORMAL
 *   FAULT_CALL    "write" or "sync": the calls that fail, from FAULT_AT on while the file FAULT_WHILE exists;
 *                 without FAULT_WHILE only the one numbered FAULT_AT. A failed write leaves half of itself.
 *   FAULT_ERRNO   what they fail with; 0: the process is killed instead
 *   FAULT_BLOCK   writes wait while this file exists; FAULT_HOLD: flushes
 *   FAULT_TALLY   file that gets one letter per event: w write, s fsync of the log, d other fsync, F failure, b a call that waits
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct file { char name[128]; int fd; off_t low, high; }; /* written since the last fsync: [low, high) */
static struct file files[32];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls;

static int ends(const char *name, const char *with) {
    size_t a = strlen(name), b = strlen(with);
    return a >= b && !strcmp(name + a - b, with);
}

static int exists(const char *setting) {
    return getenv(setting) && access(getenv(setting), F_OK) == 0;
}

/* Name below FAULT_DIR, or an empty one. Without the lock: this is asked about every descriptor of the process. */
static const char *watched(int fd, char path[PATH_MAX]) {
    char link[40];
    const char *dir = getenv("FAULT_DIR");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = dir ? readlink(link, path, PATH_MAX - 1) : -1;
    path[length < 0 ? 0 : length] = 0;
    size_t prefix = dir ? strlen(dir) : 0;
    if (length < 0 || strncmp(path, dir, prefix) || path[prefix] != '/' || ends(path, "-shm")) return "";
    return path + prefix + 1;
}

static struct file *file_of(const char *name, int fd) {
    for (struct file *file = files; file < files + 32; file++) {
        if (!file->name[0]) snprintf(file->name, sizeof file->name, "%s", name);
        if (!strcmp(file->name, name)) return file->fd = fd, file;
    }
    abort();
}

static void tally(char event) {
    static int fd = -1;
    if (fd < 0 && getenv("FAULT_TALLY")) fd = open(getenv("FAULT_TALLY"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) syscall(SYS_write, fd, &event, 1);
}

static int fails(const char *call) {
    const char *kind = getenv("FAULT_CALL");
    if (!kind || strcmp(kind, call)) return 0;
    long at = atol(getenv("FAULT_AT")), number = ++calls;
    if (getenv("FAULT_WHILE") ? number < at || !exists("FAULT_WHILE") : number != at) return 0;
    tally('F');
    errno = atoi(getenv("FAULT_ERRNO"));
    if (!errno) kill(getpid(), SIGKILL);
    return 1;
}

static void wait_for(const char *setting) {
    pthread_mutex_lock(&lock);
    if (exists(setting)) tally('b');
    pthread_mutex_unlock(&lock);
    while (exists(setting)) usleep(1000);
}

/* The kill may come in the middle: a flush under way is torn, as on a disk. */
static void keep(struct file *file) {
    const char *shadow = getenv("FAULT_SHADOW");
    char path[PATH_MAX], bytes[65536];
    struct stat now;
    if (!shadow || fstat(file->fd, &now)) return;
    snprintf(path, sizeof path, "%s/%s", shadow, file->name);
    int copy = open(path, O_WRONLY | O_CREAT, 0600);
    off_t end = file->high < now.st_size ? file->high : now.st_size;
    for (off_t at = file->low; copy >= 0 && at < end;) {
        size_t wanted = end - at < (off_t)sizeof bytes ? (size_t)(end - at) : sizeof bytes;
        ssize_t got = pread(file->fd, bytes, wanted, at);
        if (got <= 0 || pwrite64(copy, bytes, got, at) != got) abort();
        at += got;
    }
    if (copy < 0 || ftruncate(copy, now.st_size)) abort();
    close(copy);
    file->low = file->high = 0;
}

static ssize_t put(int fd, const void *bytes, size_t count, off_t at, int seeks) {
    char path[PATH_MAX];
    const char *name = watched(fd, path);
    if (*name) {
        wait_for("FAULT_BLOCK");
        pthread_mutex_lock(&lock);
        struct file *file = file_of(name, fd);
        if (file->low == file->high) file->low = file->high = at;
        if (at < file->low) file->low = at;
        if (at + (off_t)count > file->high) file->high = at + (off_t)count;
        for (struct file *log = files; getenv("FAULT_FORGET") && !ends(name, "-wal") && log < files + 32; log++)
            if (ends(log->name, "-wal") && log->high) keep(log);
        int failed = fails("write") ? errno : 0;
        tally('w');
        pthread_mutex_unlock(&lock);
        if (failed) {
            syscall(SYS_pwrite64, fd, bytes, count / 2, at);
            errno = failed;
            return -1;
        }
    }
    return seeks ? syscall(SYS_write, fd, bytes, count) : syscall(SYS_pwrite64, fd, bytes, count, at);
}

static int flush(int fd, long call) {
    char path[PATH_MAX];
    const char *name = watched(fd, path);
    if (!*name) return syscall(call, fd);
    wait_for("FAULT_HOLD");
    pthread_mutex_lock(&lock);
    struct file *file = file_of(name, fd);
    int outcome = fails("sync") ? -1 : syscall(call, fd), reason = errno;
    if (outcome == 0 && !(getenv("FAULT_FORGET") && ends(name, "-wal"))) keep(file);
    if (outcome == 0) tally(ends(name, "-wal") ? 's' : 'd');
    pthread_mutex_unlock(&lock);
    errno = reason;
    return outcome;
}

ssize_t write(int fd, const void *bytes, size_t count) { return put(fd, bytes, count, lseek(fd, 0, SEEK_CUR), 1); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return put(fd, bytes, count, at, 0); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return put(fd, bytes, count, at, 0); }
int fsync(int fd) { return flush(fd, SYS_fsync); }
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }
