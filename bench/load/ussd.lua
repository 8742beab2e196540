package.path = (os.getenv("LOAD_DIR") or ".") .. "/?.lua;" .. package.path
local c = require "common"
setup, done = c.setup, c.done
-- Africa's Talking form posts: sessions that walk to a price, each with its own id and caller.
-- USSD_TEXTS are the texts of one session's requests, apart by |, each with everything that was pressed before; they may use
-- {crop} and {market}, of which USSD_CROPS and USSD_MARKETS list the keys.
-- SLOTS sessions are open per thread; a slot's next step is sent SLOTS requests after its last,
-- so with SLOTS well above the connections a step hardly ever overtakes the one before it.
local path = c.env("USSD_PATH", "/ussd")
local head = { ["Content-Type"] = "application/x-www-form-urlencoded" }
local slots, open, n, sessions, run = tonumber(c.env("SLOTS", "128")), {}, 0, 0, os.time()
local texts, crops, markets = {}, {}, {}
for t in (c.env("USSD_TEXTS", "|{crop}|{crop}*{market}") .. "|"):gmatch("([^|]*)|") do texts[#texts + 1] = t end
for k in c.env("USSD_CROPS", "1 2 3 4 5 6 7 8 9"):gmatch("%S+") do crops[#crops + 1] = k end
for k in c.env("USSD_MARKETS", "1 2 3 4 5 6 7 8 9"):gmatch("%S+") do markets[#markets + 1] = k end

function init() math.randomseed(run + tid) end

function request()
  local i = n % slots; n = n + 1
  local s = open[i]
  if s == nil then
    sessions = sessions + 1
    s = { step = 1, id = string.format("ATUid_%x_%d_%d", run, tid, sessions), phone = 700000000 + tid * 1000000 + sessions % 1000000,
          keys = { crop = crops[math.random(#crops)], market = markets[math.random(#markets)] } }
    open[i] = s
  end
  local text = c.raw(texts[s.step], s.keys)
  s.step = s.step + 1
  if s.step > #texts then open[i] = nil end
  return wrk.format("POST", path, head, "sessionId=" .. s.id .. "&serviceCode=%2A384%23&phoneNumber=%2B254" .. s.phone .. "&text=" .. c.quote(text))
end
