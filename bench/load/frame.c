/* RFC 6455 frames: masked ones out, whole unmasked ones in. */
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { FIN = 0x80, MASKED = 0x80, OPCODE = 0x0f, LENGTH16 = 126, LENGTH64 = 127 };
enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, HEADER = 14, LARGEST = 1 << 16 };

static uint32_t next_mask(void) {
    static uint64_t state = 0x9e3779b97f4a7c15ULL; /* xorshift64: masks need only differ here */
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)state;
}

void frame_send(Conn *c, uint8_t opcode, const char *payload, uint32_t length) {
    static char frame[HEADER + LARGEST];
    uint32_t at = 0, mask = next_mask();
    if (length >= LARGEST) die("a frame of %u bytes is too large to send", length);
    frame[at++] = (char)(FIN | opcode);
    if (length < LENGTH16) {
        frame[at++] = (char)(MASKED | length);
    } else {
        frame[at++] = (char)(MASKED | LENGTH16);
        frame[at++] = (char)(length >> 8), frame[at++] = (char)length;
    }
    memcpy(frame + at, &mask, sizeof mask);
    at += sizeof mask;
    const char *key = (const char *)&mask;
    for (uint32_t i = 0; i < length; i++) frame[at + i] = payload[i] ^ key[i & 3];
    conn_write(c, frame, at + length);
}

static void take_text(Conn *c, char *text, size_t length) {
    Plan *plan = &load.plan;
    size_t beat = strlen(plan->beat);
    if (beat && length == beat && !memcmp(text, plan->beat, beat))
        frame_send(c, TEXT, plan->answer, (uint32_t)strlen(plan->answer));
    else if (c->state == LIVE)
        traffic_take(c, text, length);
    else
        opening_advance(c, text, length);
}

static void take_close(Conn *c, const char *payload, size_t length) {
    const uint8_t *code = (const uint8_t *)payload;
    if (length >= 2 && c->state != LIVE)
        die("closed while opening: %d %.*s", code[0] << 8 | code[1], (int)length - 2, payload + 2);
    conn_close(c);
}

static void take_frame(Conn *c, uint8_t first, char *payload, size_t length) {
    uint8_t opcode = first & OPCODE;
    if (!(first & FIN) || !opcode) die("fragmented frame: no peer here sends them");
    if (opcode == TEXT || opcode == BINARY) take_text(c, payload, length);
    else if (opcode == PING) frame_send(c, PONG, payload, (uint32_t)length);
    else if (opcode == CLOSE) take_close(c, payload, length);
}

/* Takes every whole frame off the front; returns the number of bytes left over. */
size_t frames_take(Conn *c, char *bytes, size_t length) {
    const uint8_t *p = (const uint8_t *)bytes;
    size_t at = 0;
    while (length - at >= 2 && c->fd >= 0) {
        size_t header = 2, size = p[at + 1] & 0x7f;
        if (p[at + 1] & MASKED) die("the server masks its frames");
        if (size == LENGTH16) header = 4;
        if (size == LENGTH64) header = 10;
        if (length - at < header) break;
        if (header > 2) size = 0;
        for (size_t i = 2; i < header; i++) size = size << 8 | p[at + i];
        if (length - at - header < size) break;
        take_frame(c, p[at], bytes + at + header, size);
        at += header + size;
    }
    return length - at;
}
