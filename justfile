# `just` alone lists the recipes. None of them is needed: each is one or two cargo commands.

_default:
    @just --list

# rewrite the sources in the house format
fmt:
    cargo fmt --all

# what CI checks beside the tests
lint:
    cargo fmt --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo deny --log-level error check bans licenses sources

# every test; those that need a daemon fetch it
test:
    cargo test --workspace

# pure crates and the simulated network: no daemon, seconds
pure:
    cargo test -p kofo-primitives -p kofo-exchange -p kofo-clearance -p kofo-settlement -p kofo-sim
    cargo test -p kofo-tests

# fuzz targets with many more inputs, and property tests with many more cases, than CI runs
fuzz cases="20000" inputs="200000" seed="2":
    KOFO_FUZZ_ITERATIONS={{inputs}} KOFO_FUZZ_SEED={{seed}} cargo test -p kofo-fuzz --test run -- --nocapture
    PROPTEST_CASES={{cases}} cargo test -p kofo-primitives -p kofo-exchange -p kofo-clearance -p kofo-settlement

# start bitcoind and two anvils for playing
up:
    cargo run -- regtest up

# stop them
down:
    cargo run -- regtest down

# swaps between two node processes on real daemons
demo *args:
    cargo run -- demo {{args}}

# end to end on real daemons, two node processes
e2e:
    cargo test -p kofo-cli

# gas and vbytes, on real daemons
onchain *args:
    cargo run --release -p kofo-bench -- onchain {{args}}

# a million swaps under faults, in simulation: what CI tries a slice of
sim seeds="1000000":
    cargo run --release -p kofo-bench -- faults --seeds {{seeds}}

# swaps under faults, in simulation: --seeds 1000000 for many
faults *args:
    cargo run --release -p kofo-bench -- faults {{args}}

# what two nodes add to a swap, and what many swaps at once take, on real daemons and in simulation
swaps *args:
    cargo run --release -p kofo-bench -- swaps {{args}}

# claims a second, a hundred nodes, a book of a hundred thousand orders
exchange *args:
    cargo run --release -p kofo-bench -- exchange {{args}}

# memory of a light node and of a provider, calls and events a second, cold start
node *args:
    cargo run --release -p kofo-bench -- node {{args}}

# known vulnerabilities; needs a database from the network, so CI does not run it
audit:
    cargo deny check advisories

# what is too long for CI: many fuzz inputs and property cases, end to end ten times over
soak:
    just fuzz 200000 2000000
    cargo test --release -p kofo-tests --test model -- --include-ignored
    cargo test --release -p kofo-tests --test mesh --test floods -- --ignored --nocapture
    KOFO_KILLS=200 cargo test -p kofo-cli --test e2e killed_validators -- --nocapture
    for i in 1 2 3 4 5 6 7 8 9 10; do KOFO_REQUIRE_NODES=1 cargo test -p kofo-cli || exit 1; done

# before a pull request
pre-pr: fmt
    .ci/run
