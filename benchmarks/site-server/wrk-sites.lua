-- Each request is for a page of another site. Arguments: how many sites, how many pages each has.
dofile("wrk-report.lua")
local sites, pages = 1, 1

function init(args)
  sites, pages = tonumber(args[1]), tonumber(args[2])
  math.randomseed(1)
end

function request()
  local host = "site-" .. math.random(0, sites - 1) .. ".test:80"
  return "GET /posts/2026/a-page-of-the-site-" .. math.random(0, pages - 1) .. ".html HTTP/1.1\r\nHost: " .. host .. "\r\n\r\n"
end
