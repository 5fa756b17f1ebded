/* One non-blocking socket: connect, read whole chunks, write what fits and keep the rest. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { READ_BUFFER = 1 << 20 };
static char buffer[READ_BUFFER];

static void watch(Conn *c, int how, bool writable) {
    struct epoll_event e = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(load.epoll, how, c->fd, &e)) die("epoll_ctl: %s", strerror(errno));
}

void conn_connect(Conn *c) {
    Target *target = &load.plan.target[c->target];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)target->port)};
    int on = 1;
    inet_pton(AF_INET, target->host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->began = clock_now();
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        die("connect to port %d: %s", target->port, strerror(errno));
    c->state = CONNECTING;
    load.opening++;
    watch(c, EPOLL_CTL_ADD, true);
}

/* A reset instead of FIN: nothing stays behind in TIME_WAIT. */
void conn_close(Conn *c) {
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (c->fd < 0) return;
    if (c->state != LIVE) die("a connection was closed while opening");
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(c->fd);
    c->fd = -1, c->state = CLOSED_BY_PEER;
    load.live--, load.lost++;
}

static void keep_unsent(Conn *c, const char *bytes, uint32_t length) {
    c->out = realloc(c->out, c->out_length + length);
    memcpy(c->out + c->out_length, bytes, length);
    c->out_length += length;
    watch(c, EPOLL_CTL_MOD, true);
}

static ssize_t send_some(Conn *c, const char *bytes, uint32_t length) {
    ssize_t n = send(c->fd, bytes, length, MSG_NOSIGNAL);
    return n >= 0 ? n : errno == EAGAIN ? 0 : -1;
}

void conn_write(Conn *c, const char *bytes, uint32_t length) {
    if (c->fd < 0) return;
    ssize_t n = c->out_length ? 0 : send_some(c, bytes, length);
    if (n < 0) conn_close(c);
    else if (n < length) keep_unsent(c, bytes + n, length - (uint32_t)n);
}

static void flush(Conn *c) {
    ssize_t n = c->out_length ? send_some(c, c->out, c->out_length) : 0;
    if (n < 0) return conn_close(c);
    c->out_length -= (uint32_t)n;
    memmove(c->out, c->out + n, c->out_length);
    if (!c->out_length) watch(c, EPOLL_CTL_MOD, false);
}

static void finish_connect(Conn *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) die("connect: %s", strerror(error));
    watch(c, EPOLL_CTL_MOD, false);
    upgrade_ask(c);
}

static void keep_rest(Conn *c, const char *bytes, size_t length) {
    if (length > c->rest_length || !length) {
        free(c->rest);
        c->rest = length ? malloc(length) : NULL;
    }
    if (length) memcpy(c->rest, bytes, length);
    c->rest_length = (uint32_t)length;
}

static void read_some(Conn *c) {
    size_t length = c->rest_length;
    memcpy(buffer, c->rest ? c->rest : "", length);
    if (length == READ_BUFFER) die("a frame is larger than the read buffer");
    ssize_t n = recv(c->fd, buffer + length, READ_BUFFER - length, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return conn_close(c);
    load.counts.reads++;
    load.now = clock_now();
    length += (size_t)n;
    size_t left = length;
    if (c->state != UPGRADING || upgrade_take(c, buffer, &length)) left = frames_take(c, buffer, length);
    keep_rest(c, buffer + length - left, c->fd < 0 ? 0 : left);
}

void conn_event(Conn *c, uint32_t events) {
    if (c->state == CONNECTING && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) return finish_connect(c);
    if (events & EPOLLOUT && c->fd >= 0) flush(c);
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && c->fd >= 0) read_some(c);
}
