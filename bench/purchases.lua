-- For wrk: each request buys one piece for one of many buyers, under a key of its own.
--   wrk -s purchases.lua URL -- TOKENS_FILE PRODUCT_FIRST PRODUCT_LAST RUN

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(args)
   tokens = {}
   for token in io.lines(args[1]) do
      tokens[#tokens + 1] = token
   end
   first, last, run = tonumber(args[2]), tonumber(args[3]), args[4]
   head = "POST /v1/orders HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
      .. "\r\nContent-Type: application/json\r\nAuthorization: Bearer "
   count = 0
   math.randomseed(number)
end

function request()
   count = count + 1
   local body = '{"lines":[{"product":' .. math.random(first, last) .. ',"quantity":1}]}'
   return head .. tokens[math.random(#tokens)]
      .. "\r\nIdempotency-Key: " .. run .. "-" .. number .. "-" .. count
      .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"answers": %d, "refused": %d, "lost": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}\n',
      summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
      summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
