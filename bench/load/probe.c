/* What a process has used: CPU nanoseconds of all its threads, dead ones too, and resident bytes. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

/* The kernel's clock id of another process's CPU time (clock_getcpuclockid(3)). */
int64_t probe_cpu(int pid) {
    struct timespec t;
    clockid_t id;
    if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &t)) return -1;
    return t.tv_sec * NANOS + t.tv_nsec;
}

int64_t probe_rss(int pid) {
    char path[64];
    long pages = 0, resident = -1;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *f = fopen(path, "r");
    if (!f) return -1;
    if (fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = -1;
    fclose(f);
    return resident < 0 ? -1 : resident * sysconf(_SC_PAGESIZE);
}

int64_t own_cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * NANOS + t.tv_nsec;
}

/* What all programs and the hypervisor took of this machine's cores: all of /proc/stat but idle and iowait. */
int64_t machine_busy(void) {
    long long user, nice, system, irq, softirq, steal;
    FILE *f = fopen("/proc/stat", "r");
    if (!f) return 0;
    if (fscanf(f, "cpu %lld %lld %lld %*d %*d %lld %lld %lld", &user, &nice, &system, &irq, &softirq, &steal) != 6)
        user = nice = system = irq = softirq = steal = 0;
    fclose(f);
    return (user + nice + system + irq + softirq + steal) * (NANOS / sysconf(_SC_CLK_TCK));
}

/* Nanoseconds this process was runnable and had no core: the second field of schedstat. */
int64_t own_wait(void) {
    unsigned long long ran, waited = 0;
    FILE *f = fopen("/proc/self/schedstat", "r");
    if (!f) return 0;
    if (fscanf(f, "%llu %llu", &ran, &waited) != 2) waited = 0;
    fclose(f);
    return (int64_t)waited;
}
