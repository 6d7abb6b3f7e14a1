# Caddy with the gate compiled in:
#
#   docker build -f xcaddy.Dockerfile -t otpgate .
#   docker run -p 80:80 -p 443:443 -v ./caddy:/etc/caddy:ro -v otpgate-data:/data otpgate
#
# /etc/caddy holds the Caddyfile, the ruleset and its lists. /data holds what has
# been counted, unless the Caddyfile says store redis. Secrets go in as
# environment variables.

ARG GO_VERSION=1.26.8
ARG ALPINE_VERSION=3.23

FROM golang:${GO_VERSION}-alpine${ALPINE_VERSION} AS build
ARG CADDY_VERSION=v2.11.9
ARG XCADDY_VERSION=v0.4.5
ENV CGO_ENABLED=0
RUN go install github.com/caddyserver/xcaddy/cmd/xcaddy@${XCADDY_VERSION}
WORKDIR /src
COPY . .
RUN xcaddy build ${CADDY_VERSION} --with github.com/otpgate/otpgate@v0.0.0=/src --output /caddy \
    && /caddy list-modules | grep -qx http.handlers.otp_gate

FROM alpine:${ALPINE_VERSION}
RUN apk add --no-cache ca-certificates \
    && addgroup -S -g 10001 caddy \
    && adduser -S -D -H -u 10001 -G caddy caddy \
    && install -d -o caddy -g caddy -m 0700 /data /config \
    && install -d /etc/caddy
COPY --from=build /caddy /usr/bin/caddy
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config

# By number, so that Kubernetes can see that it is not root. Ports below 1024
# need no capability in a container: Docker and containerd open them to everybody.
USER 10001:10001
VOLUME ["/data", "/config"]
WORKDIR /etc/caddy
EXPOSE 80 443 443/udp

# Caddy's admin endpoint, which listens inside the container only. Where it is
# moved or off, name another address that answers 200.
ENV HEALTH_URL=http://127.0.0.1:2019/config/admin
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
    CMD wget -q -O /dev/null "$HEALTH_URL" || exit 1

CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile"]
