/* Messages out and in: stamped, counted, checked for gaps and repeats, timed from their intended send. */
#include <stdlib.h>
#include <string.h>

#include "load.h"

static Conn **publisher; /* all of them, in the plan's order */
static uint32_t publishers;

static void write_hex(char *at, uint64_t value, int digits) {
    while (digits--) at[digits] = "0123456789abcdef"[value & 15], value >>= 4;
}

static uint64_t read_hex(const char *at, int digits) {
    uint64_t value = 0;
    for (int i = 0; i < digits; i++) value = value << 4 | (uint64_t)(at[i] <= '9' ? at[i] - '0' : at[i] - 'a' + 10);
    return value;
}

static void write_stamp(char *at, const Conn *c, int64_t due) {
    write_hex(at, c->publisher, 4), at[4] = '-';
    write_hex(at + STAMP_NUMBER, c->sent, 8), at[13] = '-';
    write_hex(at + STAMP_TIME, (uint64_t)due, 16);
}

void traffic_publish(Conn *c, int64_t due) {
    Template *t = &c->publish;
    if (c->fd < 0) {
        load.counts.unsent++;
        return;
    }
    c->sent++;
    c->awaiting += load.plan.room[c->room].members + load.plan.acks;
    for (uint32_t i = 0; i < t->stamps; i++) write_stamp(t->payload + t->at[i], c, due);
    frame_send(c, 1, t->payload, t->length);
    load.counts.published++;
}

/* In closed mode a publisher's next message leaves when its last one has reached every member and was acked. */
static void settle(Conn *c) {
    if (c->awaiting) c->awaiting--;
    if (!c->awaiting && load.publishing && load.plan.mode == CLOSED) traffic_publish(c, load.now);
}

/* The longest time that any one connection received nothing while its room was spoken in. */
void traffic_silence(Conn *c) {
    if (c->last_delivery && load.now - c->last_delivery > load.longest_silence) {
        load.longest_silence = load.now - c->last_delivery;
        load.silent_from = c->last_delivery;
    }
}

static bool in_window(int64_t at) { return at >= load.from && at < load.until; }

/* Late ones too: who leaves out what arrives after the window leaves out the worst. */
static void record(Histogram *h, const char *stamp) {
    int64_t due = (int64_t)read_hex(stamp + STAMP_TIME, 16);
    if (in_window(due)) histogram_record(h, load.now - due);
}

static void take_delivery(Conn *c, const char *stamp) {
    Room *room = &load.plan.room[c->room];
    uint64_t from = read_hex(stamp, 4), number = read_hex(stamp + STAMP_NUMBER, 8);
    if (from >= room->publishers || !room->publisher[from]) die("a delivery names publisher %lu", from);
    if (number <= c->seen[from]) {
        load.counts.repeats++;
        return;
    }
    load.counts.gaps += number - c->seen[from] - 1;
    c->seen[from] = (uint32_t)number;
    load.counts.delivered++;
    if (in_window(load.now)) traffic_silence(c);
    c->last_delivery = load.now;
    record(&load.delivery, stamp);
    settle(room->publisher[from]);
}

static void take_ack(Conn *c, const char *text, size_t length) {
    const char *mark = memmem(text, length, ACK_MARK, MARK);
    if (!mark) return;
    load.counts.acked++;
    record(&load.ack, mark + MARK);
    settle(c);
}

/* The server's own numbering must be dense as well, where it has one. */
static void check_sequence(Conn *c, const char *text, size_t length) {
    size_t needle = strlen(load.plan.sequence);
    const char *at = memmem(text, length, load.plan.sequence, needle);
    if (!at) die("a delivery without %s: %.*s", load.plan.sequence, (int)length, text);
    uint64_t sequence = strtoull(at + needle, NULL, 10);
    if (c->sequence && sequence != c->sequence + 1) load.counts.gaps++;
    c->sequence = sequence;
}

/* Frames of a connection look alike, so the mark is most often where it was last time. */
static const char *first_mark(Conn *c, const char *text, size_t length) {
    if (c->hint + MARK + STAMP <= length && !memcmp(text + c->hint, DELIVERY_MARK, MARK)) return text + c->hint;
    const char *mark = memmem(text, length, DELIVERY_MARK, MARK);
    if (mark) c->hint = (uint32_t)(mark - text);
    return mark;
}

void traffic_take(Conn *c, char *text, size_t length) {
    const char *end = text + length, *mark = first_mark(c, text, length);
    if (!mark) {
        if (load.plan.acks && c->publisher != NOBODY) take_ack(c, text, length);
        return;
    }
    if (*load.plan.sequence) check_sequence(c, text, length);
    load.counts.delivered_bytes += length;
    while (mark && end - mark >= MARK + STAMP) {
        take_delivery(c, mark + MARK);
        mark += MARK + STAMP;
        mark = memmem(mark, (size_t)(end - mark), DELIVERY_MARK, MARK);
    }
}

void traffic_start(void) {
    Plan *plan = &load.plan;
    publisher = malloc(plan->conns * sizeof *publisher);
    for (uint32_t i = 0; i < plan->conns; i++)
        if (plan->conn[i].publisher != NOBODY) publisher[publishers++] = &plan->conn[i];
    load.publishing = true;
    load.next_due = load.now = clock_now();
    for (uint32_t i = 0; plan->mode == CLOSED && i < publishers; i++) traffic_publish(publisher[i], load.now);
}

/* Open loop: sends all that is due by the schedule, which never waits; returns nanoseconds to the next one. */
int64_t traffic_due(void) {
    int64_t now = clock_now(), step = (int64_t)(NANOS / load.plan.rate);
    for (; load.next_due <= now && publishers; load.next_due += step) {
        if (in_window(now)) histogram_record(&load.lateness, now - load.next_due);
        traffic_publish(publisher[load.turn++ % publishers], load.next_due);
    }
    return load.next_due - now;
}

uint64_t traffic_outstanding(void) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < publishers; i++) sum += publisher[i]->awaiting;
    return sum;
}
