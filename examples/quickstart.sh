#!/usr/bin/env bash
# Walks one session through its life with curl: register, log in, refresh, log out, and see every token refused.
# Start the service first (npm start), or name one: BASE_URL=http://127.0.0.1:3000 examples/quickstart.sh
set -eu

BASE_URL="${BASE_URL:-http://127.0.0.1:3000}"
EMAIL="quickstart-$$-$(date +%s)@example.test"
PASSWORD='violet-tractor-9-Umbrella'

status=''
body=''

# request METHOD PATH [curl options]: sets $status and $body.
request() {
  method="$1"
  path="$2"
  shift 2
  answer="$(curl -sS -X "$method" -w '\n%{http_code}' "$@" "$BASE_URL$path")" || {
    echo "failed: no answer from $BASE_URL (is the service running?)" >&2
    exit 1
  }
  status="$(printf '%s' "$answer" | tail -n 1)"
  body="$(printf '%s' "$answer" | sed '$d')"
}

# field NAME: a string member of $body. The values looked for here hold no escapes.
field() {
  printf '%s' "$body" | sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'
}

# expect STEP STATUS [CODE]: compares $status, and the problem's code, with what the step should answer.
expect() {
  actual="$status"
  wanted="$2"
  if [ $# -gt 2 ]; then
    actual="$status $(field code)"
    wanted="$2 $3"
  fi
  if [ "$actual" != "$wanted" ]; then
    echo "failed $1" >&2
    echo "  expected: $wanted" >&2
    echo "  actual:   $actual $body" >&2
    exit 1
  fi
  echo "ok $1"
}

json='content-type: application/json'
credentials="{\"email\":\"$EMAIL\",\"password\":\"$PASSWORD\"}"

request POST /auth/register -H "$json" -d "$credentials"
expect register 201

request POST /auth/login -H "$json" -d "$credentials"
expect login 200
access="$(field access_token)"
refresh="$(field refresh_token)"

request GET /auth/status -H "authorization: Bearer $access"
expect status 200

request POST /auth/refresh -H "$json" -d "{\"refresh_token\":\"$refresh\"}"
expect refresh 200
new_access="$(field access_token)"
new_refresh="$(field refresh_token)"

request GET /auth/status -H "authorization: Bearer $new_access"
expect 'status with the new access token' 200

request POST /auth/logout -H "authorization: Bearer $new_access"
expect logout 204

request GET /auth/status -H "authorization: Bearer $new_access"
expect 'access token refused' 401 token_revoked

request GET /auth/status -H "authorization: Bearer $access"
expect 'access token from before the refresh refused' 401 token_revoked

request POST /auth/refresh -H "$json" -d "{\"refresh_token\":\"$new_refresh\"}"
expect 'refresh token refused' 401 token_revoked

request POST /auth/logout -H "authorization: Bearer $new_access"
expect 'second logout refused' 401 token_revoked
