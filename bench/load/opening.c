/* A connection's way to being live: the HTTP upgrade, then its script of sends and awaited answers. */
#include <stdio.h>
#include <string.h>

#include "load.h"

/* The key and its answer of RFC 6455 §1.3: constant, so that a server without SHA-1 can be a peer. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

void upgrade_ask(Conn *c) {
    Plan *plan = &load.plan;
    Target *target = &plan->target[c->target];
    char request[4096];
    int n = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n",
        plan->path, target->host, target->port);
    for (uint32_t i = 0; i < plan->headers; i++)
        n += snprintf(request + n, sizeof request - (size_t)n, "%s\r\n", plan->header[i]);
    n += snprintf(request + n, sizeof request - (size_t)n, "\r\n");
    c->state = UPGRADING;
    conn_write(c, request, (uint32_t)n);
}

/* Drops the head of the answer once it is whole and says whether it was. */
bool upgrade_take(Conn *c, char *bytes, size_t *length) {
    char *end = memmem(bytes, *length, "\r\n\r\n", 4);
    if (!end) return false;
    size_t head = (size_t)(end - bytes) + 4;
    if (*length < 12 || memcmp(bytes + 9, "101", 3)) die("upgrade refused: %.*s", (int)head, bytes);
    if (!memmem(bytes, head, ACCEPT, strlen(ACCEPT))) die("wrong Sec-WebSocket-Accept");
    *length -= head;
    memmove(bytes, bytes + head, *length);
    c->state = OPENING;
    opening_advance(c, "", 0);
    return true;
}

static void now_live(Conn *c) {
    c->state = LIVE;
    load.live++, load.opening--;
    histogram_record(&load.opened, clock_now() - c->began);
}

/* Sends until an answer is awaited; an answer that holds the awaited bytes moves the script on. */
void opening_advance(Conn *c, const char *text, size_t length) {
    Step *step = load.plan.step + c->first_step;
    if (c->step < c->steps && step[c->step].kind == STEP_EXPECT) {
        if (!memmem(text, length, step[c->step].text, step[c->step].length)) return;
        c->step++;
    }
    for (; c->step < c->steps && step[c->step].kind == STEP_SEND; c->step++)
        frame_send(c, 1, step[c->step].text, step[c->step].length);
    if (c->step == c->steps) now_live(c);
}
