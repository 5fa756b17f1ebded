/* sends PORT joined|each: rooms over WebSocket with no JSON, no checks, no limits: only the system calls.
 * "joined" writes the messages of one epoll round to each member at once, "each" one by one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_FILES = 1 << 16, EVENTS = 512, INPUT = 1 << 16, PENDING = 1 << 20, NAME = 64, BACKLOG = 4096 };

typedef struct {
    int fd;
    struct Room *room;
    uint32_t kept;
    char *rest;
} Client;

typedef struct Room {
    char name[NAME], *pending;
    uint32_t length, members, capacity;
    Client **member;
    bool dirty;
    struct Room *next, *next_dirty;
} Room;

static Client *client[MOST_FILES];
static Room *rooms, *dirty;
static int epoll;
static bool joined;

static const char UPGRADE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* of the generator's constant key */

static void write_all(int fd, const char *bytes, uint32_t length) {
    while (length) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return;
        if (n > 0) bytes += n, length -= (uint32_t)n;
    }
}

static void flush(Room *room) {
    for (uint32_t i = 0; i < room->members; i++) write_all(room->member[i]->fd, room->pending, room->length);
    room->length = 0, room->dirty = false;
}

static void append_frame(Room *room, const char *payload, uint32_t length) {
    char *at = room->pending + room->length;
    *at++ = (char)0x81;
    if (length < 126) *at++ = (char)length;
    else *at++ = 126, *at++ = (char)(length >> 8), *at++ = (char)length;
    memcpy(at, payload, length);
    room->length = (uint32_t)(at + length - room->pending);
}

static void tell(Room *room, const char *payload, uint32_t length) {
    if (room->length + length + 4 > PENDING) flush(room);
    append_frame(room, payload, length);
    if (!joined) return flush(room);
    if (!room->dirty) room->dirty = true, room->next_dirty = dirty, dirty = room;
}

static Room *room_of(const char *payload, uint32_t length) {
    char name[NAME] = "";
    char *at = memmem(payload, length, "\"room\": \"", 9);
    if (at) sscanf(at + 9, "%63[^\"]", name);
    for (Room *room = rooms; room; room = room->next)
        if (!strcmp(room->name, name)) return room;
    Room *room = calloc(1, sizeof *room);
    strcpy(room->name, name);
    room->pending = malloc(PENDING);
    room->next = rooms;
    return rooms = room;
}

static void join(Client *c, const char *payload, uint32_t length) {
    static const char answer[] = "\x81\x08\"joined\"";
    Room *room = c->room = room_of(payload, length);
    if (room->members == room->capacity) {
        room->capacity = room->capacity ? room->capacity * 2 : 4;
        room->member = realloc(room->member, room->capacity * sizeof *room->member);
    }
    room->member[room->members++] = c;
    write_all(c->fd, answer, sizeof answer - 1);
}

static void leave(Client *c) {
    for (uint32_t i = 0; c->room && i < c->room->members; i++)
        if (c->room->member[i] == c) c->room->member[i] = c->room->member[--c->room->members];
    close(c->fd);
    client[c->fd] = NULL;
    free(c->rest);
    free(c);
}

/* Takes whole masked frames; returns how many bytes it used. */
static uint32_t take_frames(Client *c, uint8_t *p, uint32_t length) {
    uint32_t at = 0;
    while (length - at >= 6) {
        uint32_t size = p[at + 1] & 0x7f, header = 2;
        if (size == 126) size = (uint32_t)p[at + 2] << 8 | p[at + 3], header = 4;
        if (length - at < header + 4 + size) break;
        uint8_t *mask = p + at + header, *payload = mask + 4;
        for (uint32_t i = 0; i < size; i++) payload[i] ^= mask[i & 3];
        if ((p[at] & 15) == 1 && c->room) tell(c->room, (char *)payload, size);
        else if ((p[at] & 15) == 1) join(c, (char *)payload, size);
        at += header + 4 + size;
    }
    return at;
}

static void read_some(Client *c) {
    static uint8_t input[INPUT];
    memcpy(input, c->rest ? c->rest : "", c->kept);
    ssize_t n = recv(c->fd, input + c->kept, INPUT - c->kept, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return leave(c);
    uint32_t length = c->kept + (uint32_t)n, used = length;
    if (input[0] == 'G') write_all(c->fd, UPGRADE, sizeof UPGRADE - 1);
    else used = take_frames(c, input, length);
    c->kept = length - used;
    free(c->rest);
    c->rest = c->kept ? memcpy(malloc(c->kept), input + used, c->kept) : NULL;
}

static void accept_one(int listener) {
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0 || fd >= MOST_FILES) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client[fd] = calloc(1, sizeof(Client));
    client[fd]->fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

static int listen_on(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, BACKLOG)) exit(1);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
    return fd;
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS];
    struct rlimit files;
    if (argc != 3) return 2;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    joined = !strcmp(argv[2], "joined");
    epoll = epoll_create1(0);
    int listener = listen_on(atoi(argv[1]));
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) accept_one(listener);
            else if (client[events[i].data.fd]) read_some(client[events[i].data.fd]);
        }
        for (; dirty; dirty = dirty->next_dirty) flush(dirty);
    }
}
