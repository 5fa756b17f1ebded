/* Shared types of the load generator: one plan, many raw WebSocket connections, one epoll loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message carries "hfb_" + 4 hex (publisher in its room) + '-' + 8 hex (number) + '-' + 16 hex (intended
 * send time, CLOCK_MONOTONIC ns) in its text, and the same digits behind "hfc_" in its client id, if it has one. */
#define DELIVERY_MARK "hfb_"
#define ACK_MARK "hfc_"
enum { MARK = 4, STAMP = 30, STAMP_NUMBER = 5, STAMP_TIME = 14, MAX_PUBLISHERS = 1 << 16 };
enum { MAX_TARGETS = 8, MAX_PROBES = 64, MAX_HEADERS = 8, MAX_STAMPS = 4, LABEL = 32 };

#define NANOS 1000000000LL

/* Log-linear histogram: 128 steps in every power of two, so a value is at most 0.8 % off. */
enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = 34 * SUB };
typedef struct {
    uint64_t bucket[BUCKETS], total, max;
} Histogram;

void histogram_record(Histogram *h, int64_t value);
void histogram_print(const Histogram *h, const char *name);

typedef enum { CLOSED, OPEN, HOLD } Mode;
typedef enum { STEP_SEND, STEP_EXPECT } StepKind;
typedef struct {
    StepKind kind;
    char *text;
    uint32_t length;
} Step;

typedef struct Room Room;
typedef enum { IDLE, CONNECTING, UPGRADING, OPENING, LIVE, CLOSED_BY_PEER } State;

/* A publish frame, built once and patched: header, then the unmasked payload with its stamps' places. */
typedef struct {
    char *payload;
    uint32_t length, stamps, at[MAX_STAMPS];
} Template;

typedef struct Conn {
    int fd;
    State state;
    uint32_t target, room, publisher; /* publisher: index in its room, or NOBODY */
    uint32_t first_step, steps, step;
    uint32_t sent, awaiting, hint;
    char *rest, *out;
    uint32_t rest_length, out_length;
    uint32_t *seen; /* last number received, per publisher of the room */
    uint64_t sequence;
    int64_t began, last_delivery;
    Template publish;
} Conn;
#define NOBODY UINT32_MAX

struct Room {
    uint32_t members, publishers;
    Conn **publisher;
};

typedef struct {
    char label[LABEL];
    int pid;
    int64_t cpu_start, cpu_open, cpu_measured, cpu_end, rss_start, rss_open, rss_end;
} Probe;

typedef struct {
    char host[LABEL];
    int port;
} Target;

typedef struct {
    Target target[MAX_TARGETS];
    Probe probe[MAX_PROBES];
    char *header[MAX_HEADERS], path[1024], beat[LABEL], answer[LABEL], sequence[LABEL];
    uint32_t targets, probes, headers, concurrency;
    Mode mode;
    bool acks;
    double rate, warmup, seconds, longest, patience;
    uint64_t least; /* messages: the window goes on until so many were published, or for `longest` */
    Conn *conn;
    uint32_t conns;
    Room *room;
    uint32_t rooms;
    Step *step;
    uint32_t steps;
} Plan;

typedef struct {
    uint64_t published, unsent, delivered, acked, delivered_bytes, gaps, repeats, reads;
} Counts;

typedef struct {
    Plan plan;
    int epoll;
    bool publishing;
    uint32_t live, opening, lost;
    int64_t now, from, until; /* the window: a message counts in it that was due in it */
    int64_t longest_silence, silent_from, next_due;
    uint64_t turn;
    Counts counts, at_start, at_end;
    Histogram opened, delivery, ack, lateness;
} Load;

extern Load load;

int64_t clock_now(void);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void plan_read(Plan *plan, const char *path);

void conn_connect(Conn *c);
void conn_event(Conn *c, uint32_t events);
void conn_write(Conn *c, const char *bytes, uint32_t length);
void conn_close(Conn *c);

void frame_send(Conn *c, uint8_t opcode, const char *payload, uint32_t length);
size_t frames_take(Conn *c, char *bytes, size_t length);

bool upgrade_take(Conn *c, char *bytes, size_t *length);
void upgrade_ask(Conn *c);
void opening_advance(Conn *c, const char *text, size_t length);

void traffic_publish(Conn *c, int64_t due);
void traffic_take(Conn *c, char *text, size_t length);
void traffic_start(void);
int64_t traffic_due(void);
uint64_t traffic_outstanding(void);
void traffic_silence(Conn *c);

int64_t probe_cpu(int pid);
int64_t probe_rss(int pid);
int64_t own_cpu(void);
int64_t own_wait(void);
int64_t machine_busy(void);
