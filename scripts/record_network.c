// Preloaded into a program (LD_PRELOAD), writes a line to the file named by RECORD_NETWORK for each host that it looks up and each
// internet address that it connects or sends to. Tests use it to prove that nothing leaves the machine unasked.
//
//     clang -shared -fPIC -o record_network.so scripts/record_network.c -ldl

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void record(const char *what, const char *whom) {
    const char *path = getenv("RECORD_NETWORK");
    if (path == NULL) return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    char line[512];
    int length = snprintf(line, sizeof line, "%s %s\n", what, whom == NULL ? "" : whom);
    if (length > 0) (void)!write(file, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    close(file);
}

static void record_address(const char *what, const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address == NULL) return;
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, sizeof text);
    } else {
        return;
    }
    record(what, text);
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    record_address("connect", address);
    return next(socket, address, length);
}

ssize_t sendto(int socket, const void *data, size_t size, int flags, const struct sockaddr *address, socklen_t length) {
    ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    record_address("sendto", address);
    return next(socket, data, size, flags, address, length);
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    record("getaddrinfo", host);
    return next(host, service, hints, result);
}
