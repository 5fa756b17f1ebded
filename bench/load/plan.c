/* Reads the plan: one "key value" a line; a conn line opens a connection, the lines after it are its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static void *grow(void *items, uint32_t count, size_t size) {
    if (count & (count - 1)) return items; /* capacity is the next power of two */
    void *grown = realloc(items, (count ? count * 2 : 1) * size);
    if (!grown) die("out of memory");
    return grown;
}

static void add_step(Plan *plan, StepKind kind, const char *text) {
    if (!plan->conns) die("plan: a step before the first conn");
    plan->step = grow(plan->step, plan->steps, sizeof(Step));
    plan->step[plan->steps++] = (Step){kind, strdup(text), (uint32_t)strlen(text)};
    plan->conn[plan->conns - 1].steps++;
}

static void add_conn(Plan *plan, const char *value) {
    uint32_t room, target;
    int publisher;
    if (sscanf(value, "%u %d %u", &room, &publisher, &target) != 3) die("plan: conn %s", value);
    if (target >= plan->targets) die("plan: conn %s: no such target", value);
    plan->conn = grow(plan->conn, plan->conns, sizeof(Conn));
    plan->conn[plan->conns++] = (Conn){.fd = -1, .target = target, .room = room,
        .publisher = publisher < 0 ? NOBODY : (uint32_t)publisher, .first_step = plan->steps};
    if (room >= plan->rooms) plan->rooms = room + 1;
}

/* In a publish line \x01 stands where a stamp goes; its digits are patched before each send. */
static void set_publish(Conn *c, const char *value) {
    Template *t = &c->publish;
    t->payload = malloc(strlen(value) * STAMP + 1);
    for (const char *p = value; *p; p++) {
        if (*p != 1) {
            t->payload[t->length++] = *p;
        } else if (t->stamps == MAX_STAMPS) {
            die("plan: more than %d stamps in one publish", MAX_STAMPS);
        } else {
            t->at[t->stamps++] = t->length;
            t->length += STAMP;
        }
    }
}

static void add_target(Plan *plan, const char *value) {
    Target *t = &plan->target[plan->targets];
    if (plan->targets++ == MAX_TARGETS || sscanf(value, "%31s %d", t->host, &t->port) != 2)
        die("plan: target %s", value);
}

static void add_probe(Plan *plan, const char *value) {
    Probe *p = &plan->probe[plan->probes];
    if (plan->probes++ == MAX_PROBES || sscanf(value, "%31s %d", p->label, &p->pid) != 2)
        die("plan: probe %s", value);
}

static void add_header(Plan *plan, const char *value) {
    if (plan->headers == MAX_HEADERS) die("plan: more than %d headers", MAX_HEADERS);
    plan->header[plan->headers++] = strdup(value);
}

static Mode mode_of(const char *value) {
    if (!strcmp(value, "closed")) return CLOSED;
    if (!strcmp(value, "open")) return OPEN;
    if (!strcmp(value, "hold")) return HOLD;
    die("plan: mode %s", value);
}

static void take_line(Plan *plan, const char *key, const char *value) {
    if (!strcmp(key, "send")) add_step(plan, STEP_SEND, value);
    else if (!strcmp(key, "expect")) add_step(plan, STEP_EXPECT, value);
    else if (!strcmp(key, "publish")) set_publish(&plan->conn[plan->conns - 1], value);
    else if (!strcmp(key, "conn")) add_conn(plan, value);
    else if (!strcmp(key, "target")) add_target(plan, value);
    else if (!strcmp(key, "probe")) add_probe(plan, value);
    else if (!strcmp(key, "header")) add_header(plan, value);
    else if (!strcmp(key, "path")) snprintf(plan->path, sizeof plan->path, "%s", value);
    else if (!strcmp(key, "beat")) sscanf(value, "%31s %31s", plan->beat, plan->answer);
    else if (!strcmp(key, "sequence")) snprintf(plan->sequence, LABEL, "%s", value);
    else if (!strcmp(key, "acks")) plan->acks = atoi(value);
    else if (!strcmp(key, "mode")) plan->mode = mode_of(value);
    else if (!strcmp(key, "concurrency")) plan->concurrency = (uint32_t)atoi(value);
    else if (!strcmp(key, "rate")) plan->rate = atof(value);
    else if (!strcmp(key, "warmup")) plan->warmup = atof(value);
    else if (!strcmp(key, "seconds")) plan->seconds = atof(value);
    else if (!strcmp(key, "longest")) plan->longest = atof(value);
    else if (!strcmp(key, "least")) plan->least = strtoull(value, NULL, 10);
    else if (!strcmp(key, "patience")) plan->patience = atof(value);
    else die("plan: unknown key %s", key);
}

static void seat_publisher(Room *room, Conn *c) {
    if (c->publisher >= MAX_PUBLISHERS) die("plan: publisher %u is out of range", c->publisher);
    if (!c->publish.payload) die("plan: publisher %u has no publish line", c->publisher);
    if (c->publisher >= room->publishers) {
        room->publisher = realloc(room->publisher, (c->publisher + 1) * sizeof(Conn *));
        for (uint32_t i = room->publishers; i <= c->publisher; i++) room->publisher[i] = NULL;
        room->publishers = c->publisher + 1;
    }
    room->publisher[c->publisher] = c;
}

static void seat_everybody(Plan *plan) {
    plan->room = calloc(plan->rooms, sizeof(Room));
    for (uint32_t i = 0; i < plan->conns; i++) {
        Room *room = &plan->room[plan->conn[i].room];
        room->members++;
        if (plan->conn[i].publisher != NOBODY) seat_publisher(room, &plan->conn[i]);
    }
    for (uint32_t i = 0; i < plan->conns; i++)
        plan->conn[i].seen = calloc(plan->room[plan->conn[i].room].publishers + 1, sizeof(uint32_t));
}

void plan_read(Plan *plan, const char *path) {
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    if (!f) die("plan: cannot open %s", path);
    plan->concurrency = 64, plan->patience = 60;
    while ((length = getline(&line, &size, f)) > 0) {
        if (line[length - 1] == '\n') line[length - 1] = 0;
        char *space = strchr(line, ' ');
        if (!space) die("plan: no value in %s", line);
        *space = 0;
        take_line(plan, line, space + 1);
    }
    free(line);
    fclose(f);
    if (!plan->conns || !plan->targets) die("plan: nothing to connect to");
    seat_everybody(plan);
}
