#!/usr/bin/env bash
# Makes the certificates that https.rs tries, with openssl 3. To be run again only when a test needs another one: then all are
# made anew. The keys guard nothing; that of the authority is thrown away, so nobody can sign another certificate with it.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# authority NAME: one that signs, good for longer than any certificate.
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 73000 \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
        -keyout "$work/$1.key" -out "$work/$1.pem"
    mkdir "$work/$1"
    touch "$work/$1/index"
}

# leaf NAME AUTHORITY FROM TO NAMES: a key and a certificate in one file. Dates are years, from January to December.
leaf() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$work/$1.key" -out "$work/$1.csr"
    cat >"$work/$1.conf" <<CONF
[ca]
default_ca = it
[it]
database = $work/$2/index
new_certs_dir = $work/$2
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
subjectAltName = $5
extendedKeyUsage = serverAuth
CONF
    openssl ca -batch -notext -config "$work/$1.conf" -cert "$work/$2.pem" -keyfile "$work/$2.key" \
        -startdate "$3"0101000000Z -enddate "$4"1231000000Z -in "$work/$1.csr" -out "$work/$1.pem" 2>/dev/null
    cat "$work/$1.key" "$work/$1.pem" >"$1.pem"
}

authority trusted
authority stranger
cp "$work/trusted.pem" authority.pem
leaf good trusted 2020 2199 IP:127.0.0.1
leaf ended trusted 2020 2021 IP:127.0.0.1
leaf later trusted 2090 2091 IP:127.0.0.1
leaf elsewhere trusted 2020 2199 DNS:hub.example.org
leaf unknown stranger 2020 2199 IP:127.0.0.1
