import { defineScript } from './script.ts'

// All keys begin with KEYS[1], a prefix with a hash tag, so that a cluster keeps them in one slot: the scripts make the
// rest of each name themselves. Times travel as text, since Lua would print a time in milliseconds as 1.7e+12. An id
// travels with a colon before it, so that no id is told from an empty one.
//
//   history      hash: which history this is (see HISTORY)
//   feed         stream, an entry per live record: its JSON; for a cut-off also when it expires (x) and whom it spares (e)
//   expiry       sorted set: entries by when their record expires; a cut-off's with the name of its sorted set
//   t:<jti>      text: the entry that kills this token, and when it expires; s:<sid> likewise for a session
//   u:<sub>      sorted set: the entries that kill this user's tokens, by the time they reach; all likewise for everyone's
const KEYS = `
local call = redis.call
local P = KEYS[1]
local HISTORY, FEED, EXPIRY = P .. 'history', P .. 'feed', P .. 'expiry'
-- Keys outlive their record: by how much the clock that dated it may be ahead of Redis's.
local SLACK_MS = 3600000
local clock = call('TIME')
local SERVER_NOW = clock[1] * 1000 + clock[2] / 1000
-- For how long to keep what is of use until the time given, 'life' after it was made. The longer of what either clock
-- says, so that one that is wrong loses nothing.
local function keep(till, life)
  local ms = math.max(tonumber(till) - SERVER_NOW, tonumber(life)) + SLACK_MS
  return string.format('%.0f', math.max(1, math.min(ms, 9e14)))
end
local function keepKey(key, ms)
  if call('PTTL', key) < tonumber(ms) then call('PEXPIRE', key, ms) end
end
`

// A place in the feed is an entry's id, the history it belongs to (generation), and the stretch of that history that
// was written to one run of one server (epoch). A restart or a failover may lose the last entries and then go on past
// them; the server's replication id changes with both, so what is written after it begins a new epoch, and the old one
// is known to have ended at the last entry that survived. A place beyond that end was lost.
const HISTORY = `
local function run()
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and info:match('master_replid:(%x+)') or 'unknown'
end
local function lastEntry()
  local info = call('XINFO', 'STREAM', FEED)
  for n = 1, #info, 2 do if info[n] == 'last-generated-id' then return info[n + 1] end end
end
-- Where there is no history, or its feed was lost, whoever comes first names a new one.
local function history(nonce)
  local known = call('HMGET', HISTORY, 'generation', 'epoch', 'run', 'last')
  local feedExists = call('EXISTS', FEED) == 1
  if known[1] and (feedExists or known[4] == '0-0') then return known[1], known[2], known[3], known[4] end
  -- What survived of the lost feed names its entries: no entry of the new one may take such a name.
  if not feedExists and known[4] and known[4] ~= '0-0' then
    call('XADD', FEED, known[4], 'r', '')
    call('XDEL', FEED, known[4])
    feedExists = true
  end
  local last = feedExists and lastEntry() or '0-0'
  call('DEL', HISTORY)
  call('HSET', HISTORY, 'generation', nonce, 'epoch', nonce, 'run', run(), 'last', last)
  return nonce, nonce, run(), last
end
local function isAfter(a, b)
  local aMs, aSeq = a:match('^(%d+)%-(%d+)$')
  local bMs, bSeq = b:match('^(%d+)%-(%d+)$')
  aMs, bMs = tonumber(aMs), tonumber(bMs)
  return aMs > bMs or (aMs == bMs and tonumber(aSeq) > tonumber(bSeq))
end
`

const ENTRIES = `
local function fieldsOf(entry)
  local found = call('XRANGE', FEED, entry, entry)
  if not found[1] then return nil end
  local list, fields = found[1][2], {}
  for n = 1, #list, 2 do fields[list[n]] = list[n + 1] end
  return fields
end
`

/** Lua that records revocations: `record(nonce, …)` for each, then `settle()`. Seven values make a record. */
export const RECORD = `${KEYS}${HISTORY}${ENTRIES}
local place = nil
local function openHistory(nonce)
  if place then return end
  local generation, epoch, lastRun, last = history(nonce)
  local thisRun = run()
  if lastRun ~= thisRun then
    call('HSET', HISTORY, 'past:' .. epoch, last, 'epoch', nonce, 'run', thisRun)
    epoch = nonce
  end
  place = { generation = generation, epoch = epoch, last = last, was = last }
end
local function settle()
  if place and place.last ~= place.was then call('HSET', HISTORY, 'last', place.last) end
end
local function add(expires, suffix, ...)
  place.last = call('XADD', FEED, '*', ...)
  call('ZADD', EXPIRY, expires, place.last .. suffix)
  return place.last
end
local function forget(entry, suffix)
  call('XDEL', FEED, entry)
  call('ZREM', EXPIRY, entry .. suffix)
end
-- A known record counts only while its entry is there: where the feed was lost, recording again must restore it.
local function recordId(key, expires, life, json)
  local known = call('GET', key)
  if known then
    local entry, till = known:match('^(%S+) (%S+)$')
    if tonumber(till) >= tonumber(expires) and fieldsOf(entry) then return end
    forget(entry, '')
  end
  call('SET', key, add(expires, '', 'r', json) .. ' ' .. expires, 'PX', keep(expires, life))
end
local function recordCutoff(name, cut, expires, life, json)
  local key, suffix = P .. name, ' ' .. name
  for _, entry in ipairs(call('ZRANGEBYSCORE', key, cut.before, cut.before)) do
    local known = fieldsOf(entry)
    if not known then
      call('ZREM', key, entry)
    elseif (known.e or '') == cut.except then
      if tonumber(known.x) >= tonumber(expires) then return end
      call('ZREM', key, entry)
      forget(entry, suffix)
    end
  end
  local entry
  if cut.except == '' then
    entry = add(expires, suffix, 'r', json, 'x', expires)
  else
    entry = add(expires, suffix, 'r', json, 'x', expires, 'e', cut.except)
  end
  call('ZADD', key, cut.before, entry)
  keepKey(key, keep(expires, life))
end
local function record(nonce, kind, id, before, except, expires, life, json)
  openHistory(nonce)
  if kind == 't' or kind == 's' then return recordId(P .. kind .. id, expires, life, json) end
  return recordCutoff(kind .. id, { before = before, except = except }, expires, life, json)
end
`

/** Lua that finds: `killed(…)` answers the JSON of the strictest live record, or `nil`. Needs the entries of {@link RECORD}. */
export const KILLED = `
local function cutoff(name, sid, iat, now)
  for _, entry in ipairs(call('ZREVRANGEBYSCORE', P .. name, '+inf', iat)) do
    local known = fieldsOf(entry)
    if known and tonumber(known.x) > now and (not known.e or known.e ~= sid) then return known.r end
  end
end
local function named(name, now)
  local known = call('GET', P .. name)
  if not known then return nil end
  local entry, till = known:match('^(%S+) (%S+)$')
  if tonumber(till) <= now then return nil end
  local fields = fieldsOf(entry)
  return fields and fields.r
end
local function killed(jti, sid, sub, iat, now)
  return cutoff('all', sid, iat, now)
    or (sub ~= '' and cutoff('u' .. sub, sid, iat, now))
    or (sid ~= '' and named('s' .. sid, now))
    or (jti ~= '' and named('t' .. jti, now))
    or nil
end
`

/** Records all of the revocations; answers the place after them. ARGV: a nonce, then seven values for each. */
export const APPEND = defineScript(`${RECORD}
local nonce = ARGV[1]
openHistory(nonce)
for i = 2, #ARGV, 7 do record(nonce, unpack(ARGV, i, i + 6)) end
settle()
return { place.generation, place.epoch, place.last }
`)

/**
 * Whether a place is in the history: the generation and epoch that are now, or `lost`. ARGV: a nonce, then the place
 * (generation, epoch, entry), or three empty texts.
 */
export const CHECK = defineScript(`${KEYS}${HISTORY}
local generation, epoch, _, last = history(ARGV[1])
if ARGV[2] ~= '' then
  if ARGV[3] ~= epoch then last = call('HGET', HISTORY, 'past:' .. ARGV[3]) end
  if ARGV[2] ~= generation or not last or isAfter(ARGV[4], last) then return { 'lost' } end
end
return { generation, epoch }
`)

/** The strictest live record that kills a token, or nothing. ARGV: jti, sid, sub, time of issue, now. */
export const FIND = defineScript(`${KEYS}${ENTRIES}${KILLED}
return killed(ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])) or false
`)

/** Forgets records that have expired; answers how many. ARGV: now, the most to forget. */
export const PRUNE = defineScript(`${KEYS}
local due = call('ZRANGEBYSCORE', EXPIRY, '-inf', ARGV[1], 'LIMIT', '0', ARGV[2])
for _, member in ipairs(due) do
  local entry, cutoffs = member:match('^(%S+) ?(.*)$')
  call('XDEL', FEED, entry)
  if cutoffs ~= '' then call('ZREM', P .. cutoffs, entry) end
  call('ZREM', EXPIRY, member)
end
return #due
`)
