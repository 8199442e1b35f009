/* A blob service that only lists, one process and one thread, so that a client can be measured against it.
 *
 * It knows no XML: the pages come as templates (see templates.py), each a head, rows and a foot with a zero byte
 * between them, in which marks stand for what differs: the container's name, its session, a blob's date.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NAME = 36, SESSION = 32, DATE = 29, ID = 16, LARGEST_REQUEST = 16384, CHUNK = 16384, MOST = 5000 };
enum { MOST_FILES = 65536, YEAR = 365 * 86400, APART = 7919, FIRST_DAY = 1742463000 /* 20 March 2025, 09:30 */ };

typedef struct { uint32_t at; char kind; uint32_t row; } Mark;
typedef struct { char *text; uint32_t *rows; uint32_t count; Mark *marks; uint32_t *first_mark; char *foot; } Template;
typedef struct { char *text; size_t size, room; } Buffer;
typedef struct {
    int fd, waiting;
    uint32_t generation;
    SSL *tls;
    char in[LARGEST_REQUEST];
    size_t in_size;
    Buffer out;
    size_t sent;
} Connection;
typedef struct { double due; int fd; uint32_t generation; } Timer;

static struct {
    uint32_t containers;
    double least, most, rate, burst;
    int retry_after;
} settings = {.retry_after = -1};
static struct { uint64_t requests, refused, connections, open; } counts;
static unsigned char (*ids)[ID];
static Template blobs, containers;
static Connection *connections[MOST_FILES];
static Timer timers[MOST_FILES * 2];
static size_t timer_count;
static Buffer body, answer;
static SSL_CTX *tls_context;
static int poller;
static double tokens, filled_at;
static char days[YEAR / 86400 + 1][20];

static void fail(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    exit(1);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

/* --- what the account holds --------------------------------------------------------------------------------------- */

static int by_bytes(const void *one, const void *other) { return memcmp(one, other, ID); }

/* The n-th container is named by md5(n); a name is its bytes in hexadecimal, so both have the same order. */
static void make_names(uint32_t count) {
    if (!(ids = malloc((size_t)(count ? count : 1) * ID))) fail("no memory for the names of %u containers", count);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    for (uint32_t n = 0; n < count; n++) {
        char digits[12];
        EVP_DigestInit_ex(context, EVP_md5(), NULL);
        EVP_DigestUpdate(context, digits, sprintf(digits, "%u", n));
        EVP_DigestFinal_ex(context, ids[n], NULL);
    }
    EVP_MD_CTX_free(context);
    qsort(ids, count, ID, by_bytes);
}

static void make_days(void) {
    for (int day = 0; day <= YEAR / 86400; day++) {
        time_t at = FIRST_DAY + (time_t)day * 86400;
        strftime(days[day], sizeof days[day], "%a, %d %b %Y ", gmtime(&at));
    }
}

static void write_name(char *to, const unsigned char *id) {
    for (int i = 0; i < ID; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
        *to++ = "0123456789abcdef"[id[i] >> 4];
        *to++ = "0123456789abcdef"[id[i] & 15];
    }
}

static void write_session(char *to, const unsigned char *id) {
    for (int i = ID - 1; i >= 0; i--) {
        *to++ = "0123456789abcdef"[id[i] & 15];
        *to++ = "0123456789abcdef"[id[i] >> 4];
    }
}

/* As modified() in templates.py: another second for each blob, within a year. */
static void write_date(char *to, const unsigned char *id, uint32_t row) {
    uint64_t number = (uint64_t)id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3];
    uint32_t after = (number + (uint64_t)APART * row) % YEAR + FIRST_DAY % 86400;
    uint32_t second = after % 86400;
    memcpy(to, days[after / 86400], 17);
    int parts[] = {second / 3600, second / 60 % 60, second % 60};
    for (int i = 0; i < 3; i++) {
        to[17 + 3 * i] = '0' + parts[i] / 10;
        to[18 + 3 * i] = '0' + parts[i] % 10;
        to[19 + 3 * i] = i < 2 ? ':' : ' ';
    }
    memcpy(to + 26, "GMT", 3);
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

static size_t run_of(const char *text, char mark) { return strspn(text, (char[]){mark, 0}); }

/* Row 0 of a template is its head, and rows[count] is where its foot begins. */
static Template read_template(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail("cannot read %s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    size_t size = ftell(file);
    rewind(file);
    char *raw = calloc(1, size + 1);
    if (fread(raw, 1, size, file) != size) fail("cannot read %s", path);
    fclose(file);
    uint32_t parts = 1, marks = 0;
    for (size_t i = 0; i < size; i++) parts += !raw[i];
    Template made = {.text = malloc(size + 1), .rows = calloc(parts + 1, 4), .first_mark = calloc(parts + 1, 4)};
    made.marks = calloc(size / DATE + 1, sizeof(Mark));
    char *part = raw, *to = made.text;
    for (uint32_t row = 0; row < parts; row++, part += strlen(part) + 1) {
        made.rows[row] = to - made.text;
        made.first_mark[row] = marks;
        to = stpcpy(to, part);
        for (char *at = made.text + made.rows[row]; at < to;) {
            const char *kinds = "#@~";
            const size_t lengths[] = {NAME, SESSION, DATE};
            size_t step = 1;
            for (int kind = 0; kind < 3; kind++)
                if (*at == kinds[kind] && run_of(at, *at) == lengths[kind]) {
                    made.marks[marks++] = (Mark){at - made.text, *at, row ? row - 1 : 0};
                    step = lengths[kind];
                }
            at += step;
        }
    }
    made.count = parts - 1;
    made.foot = made.text + made.rows[made.count];
    free(raw);
    return made;
}

static char *room_for(Buffer *buffer, size_t more) {
    if (buffer->size + more > buffer->room) {
        buffer->room = (buffer->size + more) * 2;
        if (!(buffer->text = realloc(buffer->text, buffer->room))) fail("no memory for %zu bytes", buffer->room);
    }
    return buffer->text + buffer->size;
}

static void add(Buffer *buffer, const char *text, size_t size) {
    memcpy(room_for(buffer, size), text, size);
    buffer->size += size;
}

/* Rows `from` to `to` (not included) of a template, filled in for one container. */
static void add_rows(const Template *page, uint32_t from, uint32_t to, const unsigned char *id) {
    uint32_t start = page->rows[from];
    char *base = room_for(&body, page->rows[to] - start) - start;
    add(&body, page->text + start, page->rows[to] - start);
    for (const Mark *mark = page->marks + page->first_mark[from]; mark < page->marks + page->first_mark[to]; mark++) {
        if (mark->kind == '~') write_date(base + mark->at, id, mark->row);
        else if (mark->kind == '@') write_session(base + mark->at, id);
        else write_name(base + mark->at, id);
    }
}

static void add_foot(const Template *page, uint32_t next, uint32_t all) {
    char marker[64];
    add(&body, page->foot, strlen(page->foot));
    int size = next < all ? sprintf(marker, "<NextMarker>2!8!%08u</NextMarker>", next) : sprintf(marker, "<NextMarker />");
    add(&body, marker, size);
    add(&body, "</EnumerationResults>", 21);
}

static uint32_t smaller(uint32_t one, uint32_t other) { return one < other ? one : other; }

static void container_page(uint32_t from, uint32_t most) {
    uint32_t to = from + smaller(most, settings.containers - from);
    add_rows(&containers, 0, 1, NULL);
    for (uint32_t n = from; n < to; n++) add_rows(&containers, 1, 2, ids[n]);
    add_foot(&containers, to, settings.containers);
}

static void blob_page(const unsigned char *id, uint32_t from, uint32_t most) {
    uint32_t all = blobs.count - 1, to = from + smaller(most, all - from);
    add_rows(&blobs, 0, 1, id);
    add_rows(&blobs, 1 + from, 1 + to, id);
    add_foot(&blobs, to, all);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void add_chunks(void) {
    char size[16];
    for (size_t at = 0; at < body.size; at += CHUNK) {
        size_t part = body.size - at < CHUNK ? body.size - at : CHUNK;
        add(&answer, size, sprintf(size, "%zx\r\n", part));
        add(&answer, body.text + at, part);
        add(&answer, "\r\n", 2);
    }
    add(&answer, "0\r\n\r\n", 5);
}

/* The lines that every answer of the service has; those that change only once a second are made only then. */
static void add_head(const char *status, const char *more) {
    static char lines[512], *request_id;
    static time_t made_at;
    time_t at = time(NULL);
    if (at != made_at) {
        char date[40];
        made_at = at;
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&at));
        sprintf(lines, "Content-Type: application/xml\r\nServer: Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0\r\n"
                "x-ms-request-id: 3f2504e0-001e-0041-7a3c-00000000000000\r\nx-ms-version: 2023-11-03\r\nDate: %s\r\n", date);
        request_id = strstr(lines, "7a3c-") + 5;
    }
    uint64_t number = counts.requests;
    for (int i = 11; i >= 0; i--, number >>= 4) request_id[i] = "0123456789abcdef"[number & 15];
    add(&answer, status, strlen(status));
    add(&answer, more, strlen(more));
    add(&answer, lines, strlen(lines));
    add(&answer, "\r\n", 2);
}

static void refuse(const char *status, const char *code, const char *more) {
    char text[256];
    body.size = 0;
    add(&body, text, sprintf(text, "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code>"
                             "<Message>As the service words it.</Message></Error>", code));
    char lines[128];
    sprintf(lines, "Content-Length: %zu\r\nx-ms-error-code: %s\r\n%s", body.size, code, more);
    add_head(status, lines);
    add(&answer, body.text, body.size);
}

/* Whether the account's limit lets one more request pass. */
static int passes(void) {
    if (!settings.rate) return 1;
    double at = now();
    tokens += (at - filled_at) * settings.rate;
    filled_at = at;
    if (tokens > settings.burst) tokens = settings.burst;
    if (tokens < 1) return 0;
    tokens -= 1;
    return 1;
}

/* The value of a name in a query, or NULL. */
static const char *value_of(const char *query, const char *name) {
    const char *at = strstr(query, name);
    return at ? at + strlen(name) : NULL;
}

static int read_id(const char *name, unsigned char *id) {
    for (int i = 0, at = 0; i < ID; i++, at += 2) {
        if (i == 4 || i == 6 || i == 8 || i == 10) at += name[at] == '-';
        if (sscanf(name + at, "%2hhx", &id[i]) != 1) return 0;
    }
    return 1;
}

static void add_stats(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    char text[256], head[160];
    int size = sprintf(text, "{\"requests\": %lu, \"refused\": %lu, \"connections\": %lu, \"open\": %lu, \"cpu\": %.3f}\n",
                       counts.requests, counts.refused, counts.connections, counts.open, cpu);
    add(&answer, head, sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size));
    add(&answer, text, size);
}

/* Writes the answer to a request for a target into `answer`. */
static void respond(char *target) {
    answer.size = body.size = 0;
    if (!strcmp(target, "/stats")) {
        add_stats();
        return;
    }
    counts.requests++;
    char *query = strchr(target, '?');
    if (query) *query++ = 0;
    else query = "";
    if (!passes()) {
        char wait[32] = "";
        counts.refused++;
        if (settings.retry_after >= 0) sprintf(wait, "Retry-After: %d\r\n", settings.retry_after);
        refuse("HTTP/1.1 503 The server is busy.\r\n", "ServerBusy", wait);
        return;
    }
    const char *text = value_of(query, "maxresults="), *marker = value_of(query, "marker=");
    uint32_t most = text ? smaller(strtoul(text, NULL, 10), MOST) : MOST, from = 0;
    size_t length = marker ? strcspn(marker, "&") : 0;
    if (length >= 8) from = strtoul(marker + length - 8, NULL, 10);
    if (strstr(query, "restype=container")) {
        unsigned char id[ID];
        const char *name = strrchr(target, '/') + 1;
        if (strlen(name) != NAME || !read_id(name, id)) {
            refuse("HTTP/1.1 404 The specified container does not exist.\r\n", "ContainerNotFound", "");
            return;
        }
        blob_page(id, smaller(from, blobs.count - 1), most);
    } else container_page(smaller(from, settings.containers), most);
    add_head("HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n");
    add_chunks();
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static void end(Connection *one) {
    if (one->tls) SSL_free(one->tls);
    close(one->fd);
    connections[one->fd] = NULL;
    counts.open--;
    free(one->out.text);
    free(one);
}

static void begin(int fd) {
    static uint32_t generation;
    if (fd >= MOST_FILES) {
        close(fd);
        return;
    }
    Connection *one = malloc(sizeof *one);
    *one = (Connection){.fd = fd, .generation = ++generation};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (tls_context) {
        one->tls = SSL_new(tls_context);
        SSL_set_fd(one->tls, fd);
        SSL_set_accept_state(one->tls);
    }
    connections[fd] = one;
    counts.connections++;
    counts.open++;
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

/* Bytes moved, 0 if the connection can take no more now, -1 if it has ended. */
static long moved(Connection *one, long result) {
    if (result > 0) return result;
    if (!one->tls) return result < 0 && errno == EAGAIN ? 0 : -1;
    int why = SSL_get_error(one->tls, result);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static long put(Connection *one, const char *text, size_t size) {
    return moved(one, one->tls ? SSL_write(one->tls, text, size) : send(one->fd, text, size, MSG_NOSIGNAL));
}

static void await(Connection *one, uint32_t events) {
    epoll_ctl(poller, EPOLL_CTL_MOD, one->fd, &(struct epoll_event){.events = events, .data.fd = one->fd});
}

/* Sends `answer`; what does not fit is kept. Returns 0 if the connection has ended. */
static int send_answer(Connection *one) {
    size_t sent = 0;
    while (sent < answer.size) {
        long more = put(one, answer.text + sent, answer.size - sent);
        if (more < 0) return 0;
        if (!more) {
            one->out.size = one->sent = 0;
            add(&one->out, answer.text + sent, answer.size - sent);
            await(one, EPOLLIN | EPOLLOUT);
            break;
        }
        sent += more;
    }
    return 1;
}

static void set_timer(Timer timer) {
    size_t at = timer_count++;
    for (; at && timers[(at - 1) / 2].due > timer.due; at = (at - 1) / 2) timers[at] = timers[(at - 1) / 2];
    timers[at] = timer;
}

static Timer next_timer(void) {
    Timer first = timers[0], last = timers[--timer_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < timer_count; at = child) {
        child += child + 1 < timer_count && timers[child + 1].due < timers[child].due;
        if (timers[child].due >= last.due) break;
        timers[at] = timers[child];
    }
    timers[at] = last;
    return first;
}

/* Answers the first complete request, at once or when its latency has passed. Returns 0 if the connection has ended. */
static int take_requests(Connection *one, int due) {
    while (!one->out.size && (due || !one->waiting)) {
        char *stop = memmem(one->in, one->in_size, "\r\n\r\n", 4);
        if (!stop) return one->in_size < LARGEST_REQUEST;
        if (settings.most && !due) {
            double latency = settings.least + (settings.most - settings.least) * drand48();
            if (timer_count == MOST_FILES * 2) return 0;
            one->waiting = 1;
            set_timer((Timer){now() + latency, one->fd, one->generation});
            return 1;
        }
        due = one->waiting = 0;
        char *space = memchr(one->in, ' ', stop - one->in), *target = space ? space + 1 : stop;
        char *after = memchr(target, ' ', stop - target);
        if (!after || *target != '/') return 0;
        *after = 0;
        respond(target);
        size_t used = stop + 4 - one->in;
        memmove(one->in, one->in + used, one->in_size -= used);
        if (!send_answer(one)) return 0;
    }
    return 1;
}

static int receive(Connection *one) {
    for (;;) {
        size_t room = LARGEST_REQUEST - one->in_size;
        if (!room) return one->waiting || one->out.size;
        char *to = one->in + one->in_size;
        long size = moved(one, one->tls ? SSL_read(one->tls, to, room) : recv(one->fd, to, room, 0));
        if (size < 0) return 0;
        one->in_size += size;
        if (!size || !one->tls) break;
    }
    return take_requests(one, 0);
}

static int send_rest(Connection *one) {
    while (one->sent < one->out.size) {
        long more = put(one, one->out.text + one->sent, one->out.size - one->sent);
        if (more < 0) return 0;
        if (!more) return 1;
        one->sent += more;
    }
    one->out.size = 0;
    await(one, EPOLLIN);
    return take_requests(one, 0);
}

static void serve(int listener) {
    struct epoll_event events[512];
    for (;;) {
        double wait = timer_count ? timers[0].due - now() : 1;
        int ready = epoll_wait(poller, events, 512, wait > 0 ? (int)(wait * 1000) + 1 : 0);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                for (int next; (next = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) begin(next);
                continue;
            }
            Connection *one = connections[fd];
            int alive = one != NULL;
            if (alive && events[i].events & EPOLLOUT) alive = send_rest(one);
            if (alive && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = receive(one);
            if (one && !alive) end(one);
        }
        for (double at = now(); timer_count && timers[0].due <= at;) {
            Timer timer = next_timer();
            Connection *one = connections[timer.fd];
            if (one && one->generation == timer.generation && !take_requests(one, 1)) end(one);
        }
    }
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static void use_tls(const char *chain, const char *key) {
    tls_context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(tls_context, TLS1_3_VERSION);
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_chain_file(tls_context, chain) != 1) fail("cannot use the certificate %s", chain);
    if (SSL_CTX_use_PrivateKey_file(tls_context, key, SSL_FILETYPE_PEM) != 1) fail("cannot use the key %s", key);
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 4096)) fail("cannot listen on port %d", port);
    getsockname(listener, (struct sockaddr *)&at, &size);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    printf("process %d listens on %d\n", getpid(), ntohs(at.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **arguments) {
    static const struct option known[] = {
        {"containers", 1, NULL, 'c'}, {"container-page", 1, NULL, 'p'}, {"blob-page", 1, NULL, 'b'},
        {"certificate", 1, NULL, 's'}, {"key", 1, NULL, 'k'}, {"latency-min", 1, NULL, 'l'},
        {"latency-max", 1, NULL, 'm'}, {"rate", 1, NULL, 'r'}, {"burst", 1, NULL, 'u'},
        {"retry-after", 1, NULL, 'a'}, {"port", 1, NULL, 'o'}, {0}};
    const char *certificate = NULL, *key = NULL;
    int port = 0;
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) switch (option) {
        case 'c': settings.containers = strtoul(optarg, NULL, 10); break;
        case 'p': containers = read_template(optarg); break;
        case 'b': blobs = read_template(optarg); break;
        case 's': certificate = optarg; break;
        case 'k': key = optarg; break;
        case 'l': settings.least = atof(optarg) / 1000; break;
        case 'm': settings.most = atof(optarg) / 1000; break;
        case 'r': settings.rate = atof(optarg); break;
        case 'u': settings.burst = atof(optarg); break;
        case 'a': settings.retry_after = atoi(optarg); break;
        case 'o': port = atoi(optarg); break;
        default: return 2;
    }
    if (!blobs.text || !containers.text) fail("--blob-page and --container-page are needed");
    signal(SIGPIPE, SIG_IGN);
    if (!settings.burst) settings.burst = settings.rate / 10;
    if (settings.burst < 1) settings.burst = 1;
    tokens = settings.burst;
    filled_at = now();
    srand48(1);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    make_names(settings.containers);
    make_days();
    if (certificate) use_tls(certificate, key);
    serve(listen_on(port));
}
