/* A server that is never the bottleneck: one thread, epoll, fixed responses, HTTP/1.1 kept alive.
 *
 * It reads a request to its end, by Content-Length, and looks at nothing else but the path:
 * .../log_event is answered with {"success":true}, all else with a gate. No TLS, no chunked
 * requests, no errors. Started as `server`, it prints its port, and at the end of its standard
 * input the requests that it served and the microseconds of CPU that it took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MOST 16384
#define READ_MOST 262144

struct connection {
    int socket;
    size_t head_length;    /* of the bytes in `head` */
    size_t body_left;      /* still to come; only once the head is whole */
    int in_body;
    const char *response;
    char head[HEAD_MOST];
};

static char gate[512], accepted[256];
static long requests = 0;

static void prepare(char *response, size_t size, const char *body) {
    snprintf(response, size,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
}

static int answer(struct connection *c) {
    size_t length = strlen(c->response), sent = 0;
    requests++;
    while (sent < length) { /* a response of 200 bytes fits into every socket's buffer */
        ssize_t n = send(c->socket, c->response + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0) return -1;
        sent += n;
    }
    return 0;
}

/* Takes what came; -1 when the connection has to go. */
static int take(struct connection *c, const char *data, size_t length) {
    while (length > 0) {
        if (c->in_body) {
            size_t part = length < c->body_left ? length : c->body_left;
            c->body_left -= part, data += part, length -= part;
        } else {
            size_t part = HEAD_MOST - 1 - c->head_length;
            if (part == 0) return -1;
            if (part > length) part = length;
            size_t before = c->head_length;
            memcpy(c->head + before, data, part);
            c->head[before + part] = 0;
            char *end = strstr(c->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
            if (end == NULL) {
                c->head_length += part, data += part, length -= part;
                continue;
            }
            size_t used = end + 4 - c->head - before;
            data += used, length -= used;
            *end = 0;
            c->in_body = 1, c->body_left = 0;
            for (char *line = strchr(c->head, '\n'); line; line = strchr(line + 1, '\n'))
                if (strncasecmp(line + 1, "content-length:", 15) == 0)
                    c->body_left = strtoul(line + 16, NULL, 10);
            c->response = strstr(c->head, "/log_event ") ? accepted : gate;
        }
        if (c->in_body && c->body_left == 0) {
            c->in_body = 0, c->head_length = 0;
            if (answer(c) < 0) return -1;
        }
    }
    return 0;
}

static void report(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%ld %ld\n", requests,
           (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec
               + used.ru_stime.tv_usec);
}

int main(void) {
    static char buffer[READ_MOST];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int on = 1, poll = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0);
    prepare(gate, sizeof gate,
            "{\"name\":\"new_checkout\",\"value\":true,\"rule_id\":\"4pqmXHFDCO8xmYuAOtbyQF\","
            "\"group_name\":\"everyone\"}");
    prepare(accepted, sizeof accepted, "{\"success\":true}");
    signal(SIGPIPE, SIG_IGN);
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) {
        perror("server");
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    struct connection input = {.socket = 0};
    event.data.ptr = &input;
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        int count = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == &input) {
                report();
                return 0;
            }
            if (c == NULL) {
                c = calloc(1, sizeof *c);
                c->socket = accept(listener, NULL, NULL);
                setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                event.data.ptr = c;
                epoll_ctl(poll, EPOLL_CTL_ADD, c->socket, &event);
                continue;
            }
            ssize_t length = recv(c->socket, buffer, sizeof buffer, 0);
            if (length <= 0 || take(c, buffer, length) < 0) {
                close(c->socket);
                free(c);
            }
        }
    }
}
