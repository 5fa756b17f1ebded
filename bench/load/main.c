/* load PLAN: opens every connection of the plan, runs its traffic, prints one JSON object of figures. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "load.h"

Load load;
enum { EVENTS = 512, GIVE_UP = 5 };

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

int64_t clock_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NANOS + t.tv_nsec;
}

static void turn(int64_t wait) {
    struct epoll_event events[EVENTS];
    struct timespec limit = {wait > 0 ? wait / NANOS : 0, wait > 0 ? wait % NANOS : 0};
    int n = epoll_pwait2(load.epoll, events, EVENTS, &limit, NULL);
    if (n < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
    for (int i = 0; i < n; i++) conn_event(events[i].data.ptr, events[i].events);
}

static void run_for(double seconds) {
    int64_t now, end = clock_now() + (int64_t)(seconds * NANOS);
    while ((now = clock_now()) < end) {
        int64_t wait = end - now;
        if (load.publishing && load.plan.mode == OPEN) {
            int64_t due = traffic_due();
            wait = due < wait ? due : wait;
        }
        turn(wait);
    }
}

/* A slow server's few messages would begin and end outside of the window: it gets a longer one. */
static void measure(void) {
    Plan *plan = &load.plan;
    int64_t last = clock_now() + (int64_t)(plan->longest * NANOS);
    run_for(plan->seconds);
    while (load.counts.published - load.at_start.published < plan->least && clock_now() < last) run_for(0.05);
}

static void open_everything(void) {
    Plan *plan = &load.plan;
    int64_t deadline = clock_now() + (int64_t)(plan->patience * NANOS);
    for (uint32_t next = 0; load.live < plan->conns;) {
        while (next < plan->conns && load.opening < plan->concurrency) conn_connect(&plan->conn[next++]);
        turn(NANOS / 10);
        if (clock_now() > deadline) die("only %u of %u connections came live", load.live, plan->conns);
        if (load.lost) die("the server closed a live connection while others were opening");
    }
}

/* After the window nothing new leaves; what is on its way must still arrive, and is given up when nothing does. */
static void drain(void) {
    int64_t last = clock_now();
    uint64_t arrived = load.counts.delivered + load.counts.acked;
    load.publishing = false;
    while (traffic_outstanding() && clock_now() < last + GIVE_UP * NANOS) {
        turn(NANOS / 10);
        if (load.counts.delivered + load.counts.acked == arrived) continue;
        arrived = load.counts.delivered + load.counts.acked;
        last = clock_now();
    }
}

static void probe_all(int64_t (*read)(int), size_t field) {
    for (uint32_t i = 0; i < load.plan.probes; i++) {
        Probe *p = &load.plan.probe[i];
        *(int64_t *)((char *)p + field) = read(p->pid);
    }
}

static void print_probes(void) {
    printf("\"probes\":[");
    for (uint32_t i = 0; i < load.plan.probes; i++) {
        Probe *p = &load.plan.probe[i];
        printf("%s{\"label\":\"%s\",\"pid\":%d,\"cpu_open_ns\":%" PRId64 ",\"cpu_ns\":%" PRId64
               ",\"rss_start\":%" PRId64 ",\"rss_open\":%" PRId64 ",\"rss_end\":%" PRId64 "}",
               i ? "," : "", p->label, p->pid, p->cpu_open - p->cpu_start, p->cpu_end - p->cpu_measured,
               p->rss_start, p->rss_open, p->rss_end);
    }
    printf("],");
}

static void print_count(const char *name, uint64_t value) { printf("\"%s\":%" PRIu64 ",", name, value); }

static void print_counts(void) {
    Counts *a = &load.at_start, *b = &load.at_end;
    print_count("published", b->published - a->published);
    print_count("delivered", b->delivered - a->delivered);
    print_count("acked", b->acked - a->acked);
    print_count("delivered_bytes", b->delivered_bytes - a->delivered_bytes);
    print_count("reads", b->reads - a->reads);
    print_count("total_published", load.counts.published);
    print_count("unsent", load.counts.unsent);
    print_count("gaps", load.counts.gaps);
    print_count("repeats", load.counts.repeats);
    print_count("lost_connections", load.lost);
    print_count("outstanding", traffic_outstanding());
    print_count("longest_silence_ns", (uint64_t)load.longest_silence);
    print_count("silent_from_ns", (uint64_t)load.silent_from);
}

static void allow_many_files(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
    if (argc != 2) die("usage: load PLAN");
    plan_read(&load.plan, argv[1]);
    allow_many_files();
    prctl(PR_SET_TIMERSLACK, 1);
    load.from = INT64_MAX;
    load.epoll = epoll_create1(EPOLL_CLOEXEC);

    probe_all(probe_cpu, offsetof(Probe, cpu_start));
    probe_all(probe_rss, offsetof(Probe, rss_start));
    int64_t began = clock_now(), cpu_open = own_cpu();
    open_everything();
    int64_t opened = clock_now();
    cpu_open = own_cpu() - cpu_open;
    probe_all(probe_cpu, offsetof(Probe, cpu_open));
    probe_all(probe_rss, offsetof(Probe, rss_open));

    if (load.plan.mode != HOLD) traffic_start();
    run_for(load.plan.warmup);
    load.at_start = load.counts;
    probe_all(probe_cpu, offsetof(Probe, cpu_measured));
    int64_t cpu = own_cpu(), waited = own_wait(), busy = machine_busy(), start = clock_now();
    load.from = start, load.until = INT64_MAX;
    printf("{\"measuring_from_ns\":%" PRId64 "}\n", start);
    fflush(stdout);
    measure();
    int64_t end = load.until = clock_now();
    cpu = own_cpu() - cpu, waited = own_wait() - waited, busy = machine_busy() - busy;
    probe_all(probe_cpu, offsetof(Probe, cpu_end));
    probe_all(probe_rss, offsetof(Probe, rss_end));
    load.now = end;
    for (uint32_t i = 0; i < load.plan.conns; i++) traffic_silence(&load.plan.conn[i]);
    load.at_end = load.counts;
    drain();

    printf("{");
    print_counts();
    print_probes();
    histogram_print(&load.opened, "opened");
    histogram_print(&load.delivery, "delivery");
    histogram_print(&load.ack, "ack");
    histogram_print(&load.lateness, "lateness");
    printf("\"connections\":%u,\"open_ns\":%" PRId64 ",\"wall_ns\":%" PRId64 ",\"own_cpu_ns\":%" PRId64
           ",\"own_wait_ns\":%" PRId64 ",\"own_cpu_open_ns\":%" PRId64 ",\"machine_busy_ns\":%" PRId64 "}\n",
           load.plan.conns, opened - began, end - start, cpu, waited, cpu_open, busy);
    return 0;
}
