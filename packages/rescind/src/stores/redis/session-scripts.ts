import { KILLED, RECORD } from './ledger-scripts.ts'
import { defineScript } from './script.ts'

// The sessions' keys, beside those of the ledger:
//
//   login:<sid>   hash: the session, with the hashes of its refresh token and of that token's parent
//   logins:<sub>  sorted set: a user's sessions by when they began, ended ones left out
//   live          sorted set: the sessions that have not ended, by when their refresh token was issued. To end a session
//                 is to leave this set, so that all of them end in one step however many there are
//   due           sorted set: all sessions by when they expire
const SESSIONS = `${RECORD}
local LIVE, DUE = P .. 'live', P .. 'due'
local function loginKey(sid) return P .. 'login:' .. sid end
local function loginsKey(sub) return P .. 'logins:' .. sub end
local function shown(sid)
  local of = call('HMGET', loginKey(sid), 'sub', 'created', 'used', 'expires', 'ends', 'ip', 'ua')
  return of[1] and { sid, of[1], of[2], of[3], of[4], of[5], of[6], of[7] }
end
local function isLive(sid, now)
  local expires = call('HGET', loginKey(sid), 'expires')
  return expires and tonumber(expires) > now and call('ZSCORE', LIVE, sid)
end
local function leave(sid)
  if call('ZREM', LIVE, sid) == 0 then return false end
  local sub = call('HGET', loginKey(sid), 'sub')
  if sub then call('ZREM', loginsKey(sub), sid) end
  return true
end
`

/** Records new sessions; answers for each whether it was there before. ARGV: nine values for each. */
export const START = defineScript(`${SESSIONS}
local function start(sid, sub, hash, created, used, expires, ends, ip, ua)
  local key = loginKey(sid)
  if call('EXISTS', key) == 1 then return 'exists' end
  call('HSET', key, 'sub', sub, 'hash', hash, 'created', created, 'used', used, 'expires', expires, 'ends', ends)
  if ip ~= '' then call('HSET', key, 'ip', ip) end
  if ua ~= '' then call('HSET', key, 'ua', ua) end
  local ms = keep(ends, tonumber(ends) - tonumber(created))
  call('PEXPIRE', key, ms)
  call('ZADD', LIVE, created, sid)
  call('ZADD', DUE, expires, sid)
  call('ZADD', loginsKey(sub), created, sid)
  keepKey(loginsKey(sub), ms)
  return 'started'
end
local answers = {}
for i = 1, #ARGV, 9 do answers[#answers + 1] = start(unpack(ARGV, i, i + 8)) end
return answers
`)

/**
 * Decides claims one after the other, as `decideRotation` does. Answers for each the outcome, and where there is a
 * successor when it was issued and the session. ARGV: a nonce, then for each claim eleven values and the seven of the
 * record for a reuse.
 */
export const ROTATE = defineScript(`${SESSIONS}${KILLED}
local function rotate(i)
  local sid, jti, tokenSid, sub, iat = unpack(ARGV, i, i + 4)
  local presented, successor, now, expires, grace, heldUp = unpack(ARGV, i + 5, i + 10)
  local key = loginKey(sid)
  local hash, parent, ends = unpack(call('HMGET', key, 'hash', 'parent', 'ends'))
  if not hash then return { 'unknown' } end
  local issued = call('ZSCORE', LIVE, sid)
  if not issued or tonumber(now) >= tonumber(ends) then return { 'ended' } end
  if killed(jti, tokenSid, sub, iat, tonumber(now)) then return { 'ended' } end
  if presented == hash then
    if tonumber(ends) < tonumber(expires) then expires = ends end
    call('HSET', key, 'hash', successor, 'parent', hash, 'used', now, 'expires', expires)
    call('ZADD', LIVE, now, sid)
    call('ZADD', DUE, expires, sid)
    return { 'rotated', now, shown(sid) }
  end
  -- In both directions: a clock that jumped back must not reopen the window.
  if presented == parent and math.abs(tonumber(now) - tonumber(issued)) < tonumber(grace) then
    return { 'replayed', issued, shown(sid) }
  end
  if heldUp == '1' and tonumber(now) < tonumber(issued) then return { 'overtaken' } end
  leave(sid)
  record(ARGV[1], unpack(ARGV, i + 11, i + 17))
  return { 'reused' }
end
local answers = {}
for i = 2, #ARGV, 18 do answers[#answers + 1] = rotate(i) end
settle()
return answers
`)

/**
 * Ends sessions and records why, as `recordsForEnd` does. Answers for each order how many it ended, when the last token
 * of those was issued (of everyone's), and their sids (for a record of a subject). ARGV: a nonce, then for each order
 * four values for whom it means, the seven of its record, and the JSON of what its record shares with the records of
 * the single sessions.
 */
export const END = defineScript(`${SESSIONS}
local function endEveryone(till)
  local ended = call('ZCOUNT', LIVE, '-inf', till)
  local last = call('ZREVRANGEBYSCORE', LIVE, till, '-inf', 'WITHSCORES', 'LIMIT', '0', '1')[2]
  if till == '+inf' then call('UNLINK', LIVE) else call('ZREMRANGEBYSCORE', LIVE, '-inf', till) end
  return ended, last
end
local function endEach(which, target, till, except)
  local chosen = { target }
  if which == 'sub' then chosen = call('ZRANGEBYSCORE', loginsKey(target), '-inf', till) end
  local ended = {}
  for _, sid in ipairs(chosen) do
    if ':' .. sid ~= except and leave(sid) then ended[#ended + 1] = sid end
  end
  return ended
end
local function finish(i)
  local which, target, till, except = unpack(ARGV, i, i + 3)
  local kind, id, before, spared, expires, life, json = unpack(ARGV, i + 4, i + 10)
  local shared = ARGV[i + 11]
  local ended, last, sids = 0, '', {}
  if which == 'everyone' then
    ended, last = endEveryone(till)
  else
    sids = endEach(which, target, till, except)
    ended = #sids
  end
  -- Reaches to the last token of theirs: a machine whose clock runs ahead may have dated it later than now.
  if kind == 'all' and last and last ~= '' and tonumber(last) > tonumber(before) then
    before = last
    json = '{"kind":"everything","before":' .. last .. ',' .. shared
  end
  record(ARGV[1], kind, id, before, spared, expires, life, json)
  if kind ~= 'u' then return { ended, last or '', {} } end
  for _, sid in ipairs(sids) do
    record(ARGV[1], 's', ':' .. sid, '', '', expires, life, '{"kind":"session","id":' .. cjson.encode(sid) .. ',' .. shared)
  end
  return { ended, '', sids }
end
local answers = {}
for i = 2, #ARGV, 12 do answers[#answers + 1] = finish(i) end
settle()
return answers
`)

/** One live session, or nothing. ARGV: sid, now. */
export const GET = defineScript(`${SESSIONS}
return isLive(ARGV[1], tonumber(ARGV[2])) and shown(ARGV[1]) or false
`)

/**
 * A user's live sessions, newest first. ARGV: sub, the place to go on after (when it began, sid), the most sessions,
 * now. Texts are compared byte by byte, as a sorted set does: Lua's own order depends on the server's locale.
 */
export const LIST = defineScript(`${SESSIONS}
local function isLower(a, b)
  for n = 1, math.min(#a, #b) do
    local x, y = a:byte(n), b:byte(n)
    if x ~= y then return x < y end
  end
  return #a < #b
end
local sub, beganAt, afterSid, most, now = unpack(ARGV)
beganAt, most, now = tonumber(beganAt), tonumber(most), tonumber(now)
local found, offset = {}, 0
while #found < most do
  local some = call('ZREVRANGEBYSCORE', loginsKey(sub), ARGV[2], '-inf', 'WITHSCORES', 'LIMIT', offset, 100)
  if #some == 0 then break end
  for n = 1, #some, 2 do
    local sid = some[n]
    local isNext = tonumber(some[n + 1]) < beganAt or isLower(sid, afterSid)
    if isNext and #found < most and isLive(sid, now) then found[#found + 1] = shown(sid) end
  end
  offset = offset + 100
end
return found
`)

/** How many live sessions a selector means. ARGV: four values for whom, now. */
export const COUNT = defineScript(`${SESSIONS}
local which, target, till, except, now = unpack(ARGV)
if which == 'everyone' then
  local count = call('ZCOUNT', LIVE, '-inf', till)
  -- Those that have expired and are not swept yet are few.
  for _, sid in ipairs(call('ZRANGEBYSCORE', DUE, '-inf', now)) do
    local issued = call('ZSCORE', LIVE, sid)
    if issued and (till == '+inf' or tonumber(issued) <= tonumber(till)) then count = count - 1 end
  end
  return count
end
local chosen, count = { target }, 0
if which == 'sub' then chosen = call('ZRANGEBYSCORE', loginsKey(target), '-inf', till) end
for _, sid in ipairs(chosen) do
  if ':' .. sid ~= except and isLive(sid, tonumber(now)) then count = count + 1 end
end
return count
`)

/** Forgets sessions that have expired; answers how many. ARGV: now, the most to forget. */
export const SWEEP = defineScript(`${SESSIONS}
local due = call('ZRANGEBYSCORE', DUE, '-inf', ARGV[1], 'LIMIT', '0', ARGV[2])
for _, sid in ipairs(due) do
  local sub = call('HGET', loginKey(sid), 'sub')
  if sub then call('ZREM', loginsKey(sub), sid) end
  call('DEL', loginKey(sid))
  call('ZREM', LIVE, sid)
  call('ZREM', DUE, sid)
end
return #due
`)
