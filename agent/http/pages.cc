#include "agent/http/pages.h"

#include <memory>
#include <utility>

namespace cgmon {

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

Response landing_page(const LandingPage& page) {
  const std::string telemetry_path = escape_html(page.telemetry_path);
  std::string html = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cgmon agent</title>
<style>:root { color-scheme: light dark; font-family: sans-serif; } body { margin: 2em; }</style>
</head>
<body>
<h1>cgmon agent</h1>
<p>Resource usage of this host's containers and units, read from their cgroups. Version )";
  html += escape_html(page.version);
  html += R"(.</p>
<ul>
<li><a href=")";
  html += telemetry_path;
  html += R"(">)";
  html += telemetry_path;
  html += R"(</a>: metrics for Prometheus</li>
<li><a href="/metrics/resource">/metrics/resource</a>: the few that a kubelet has under this name</li>
<li><a href="/api/v1/snapshot">/api/v1/snapshot</a>: all of it as JSON</li>
<li><a href="/-/healthy">/-/healthy</a>: the agent answers</li>
<li><a href="/-/ready">/-/ready</a>: the agent can collect</li>
</ul>
</body>
</html>
)";
  return Response{.content_type = "text/html; charset=utf-8",
                  .body = std::make_shared<const std::string>(std::move(html))};
}

Response healthy_page() { return text_response(200, "healthy\n"); }

Response ready_page(bool ready, std::string_view reason) {
  if (ready) return text_response(200, "ready\n");
  std::string text = "not ready";
  if (!reason.empty()) (text += ": ") += reason;
  return text_response(503, text + '\n');
}

}  // namespace cgmon
