# make help lists what can be made. Nothing but Go is needed to build. The tests
# need a C compiler for the race detector, redis-server and redis-sentinel (or
# those of Valkey) to start, and Node and npm for better-auth.

GO          ?= go
FUZZTIME    ?= 20s
BENCH       ?= .
BENCHTIME   ?= 1s
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help run build test fleet bench fuzz lint fmt generate cover

help: ## lists this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: ## serves Caddyfile.example: a gate on port 8080 in front of a demo app
	$(GO) run ./cmd/caddy run --config Caddyfile.example

build: ## builds bin/caddy, a Caddy with the gate compiled in
	$(GO) build -trimpath -o bin/caddy ./cmd/caddy

test: ## vets, and runs all tests with the race detector
	$(GO) vet ./...
	@cc=$$($(GO) env CC); command -v "$${cc%% *}" >/dev/null || { echo "make test: no C compiler ($$cc), which go test -race needs" >&2; exit 1; }
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...
	$(GO) test ./ruleset/ledger -run Flood

fleet: ## runs fleets of gates for a minute each, with outages, kills and floods
	$(GO) test ./cmd/caddy -count 1 -v -timeout 60m -args -fleet 60s -gates 4 -clients 200 -tries 500 -kills 100

bench: ## runs the benchmarks; BENCH=Decide for some of them
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime '$(BENCHTIME)' -benchmem ./...

fuzz: ## runs each fuzz target for FUZZTIME (20s)
	@set -e; grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:func / /' | \
	while read -r file target; do \
		echo "== $$(dirname "$$file") $$target"; \
		$(GO) test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' -fuzzminimizetime 10x </dev/null; \
	done

lint: ## checks the format and what vet and staticcheck know
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted (make fmt):" >&2; echo "$$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

fmt: ## formats the code
	gofmt -w .

generate: ## makes all generated files anew
	$(GO) generate ./...

cover: ## tells how much of the code the tests run
	$(GO) test -coverpkg=./... -coverprofile=cover.out ./...
	@$(GO) tool cover -func=cover.out | tail -1
