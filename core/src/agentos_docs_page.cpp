// The docs page: docs_page of agentos_openapi.hpp.
#include <algorithm>
#include <vector>

#include "agentos_route_table.hpp"
#include "oncue/core/agentos_openapi.hpp"

namespace oncue::core {
namespace {

constexpr std::string_view style = R"(
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d2026;--soft:#5c6370;--line:#e2e4e8;--code:#f3f4f6;
--get:#1a63b8;--post:#1b7a45;--patch:#8a5a00;--delete:#b3261e;--ours:#6b3fa0}
@media (prefers-color-scheme:dark){:root{--page:#14161a;--card:#1b1e24;--ink:#e6e8ec;--soft:#a0a7b4;--line:#30343c;
--code:#23272f;--get:#7db7ff;--post:#6fd39b;--patch:#e6b450;--delete:#ff8f87;--ours:#c3a2f2}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
main{max-width:58rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.2rem;margin:2.6rem 0 .8rem}
p{margin:.5rem 0}
a{color:var(--get)}
.soft{color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:.35rem 1.1rem;margin:1rem 0 0}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.86rem}
code{background:var(--code);border-radius:4px;padding:.1em .35em;overflow-wrap:anywhere}
pre{background:var(--code);border:1px solid var(--line);border-radius:8px;padding:.75rem .9rem;margin:.7rem 0;white-space:pre-wrap}
pre code{background:none;padding:0}
details{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:.5rem 0}
summary{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2rem .7rem;padding:.6rem .9rem;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary::after{content:"+";margin-left:auto;color:var(--soft);font-family:monospace}
details[open]>summary::after{content:"\2212"}
details[open]>summary{border-bottom:1px solid var(--line)}
summary:focus-visible,a:focus-visible{outline:2px solid var(--get);outline-offset:2px;border-radius:6px}
.method{font:600 .78rem/1.6 ui-monospace,Menlo,Consolas,monospace;min-width:3.6rem}
.GET{color:var(--get)}.POST{color:var(--post)}.PATCH{color:var(--patch)}.DELETE{color:var(--delete)}
.path{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.88rem;overflow-wrap:anywhere}
.about{color:var(--soft);font-size:.92rem}
.ours{color:var(--ours);font-size:.75rem;border:1px solid currentColor;border-radius:99px;padding:0 .5em}
.inside{padding:.5rem .9rem .8rem}
h3{font-size:.85rem;margin:1rem 0 .2rem;color:var(--soft);font-weight:600}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1rem;margin:0;font-size:.92rem}
dt{overflow-wrap:anywhere}
dd{margin:0}
.must{color:var(--delete);font-size:.8rem}
ul.flat{list-style:none;display:flex;flex-wrap:wrap;gap:.4rem;margin:.6rem 0;padding:0}
@media (max-width:34rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}main{padding-top:1.5rem}}
)";

/// Text that HTML shows as it is.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string code(std::string_view text) { return "<code>" + shown(text) + "</code>"; }

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string block(std::string_view text) { return "<pre><code>" + shown(text) + "</code></pre>\n"; }

std::string curl(const route_entry& entry, std::string_view base_url, bool with_key) {
  std::string line = "curl ";
  if (with_key && needs_key(entry.make(std::vector<std::string>(3, "x")))) line += "-H \"Authorization: Bearer $KEY\" ";
  return line + replaced(std::string{entry.example}, "BASE", base_url);
}

void append_fields(std::string& out, std::string_view title, std::span<const route_field> fields) {
  if (fields.empty()) return;
  out += "<h3>";
  out += title;
  out += "</h3>\n<dl>\n";
  for (const auto& field : fields) {
    out += "<dt>" + code(field.name);
    if (field.required) out += " <span class=must>required</span>";
    out += "</dt><dd>" + shown(field.about);
    if (!field.values.empty()) {
      out += field.about.empty() ? "" : ": ";
      for (std::size_t i = 0; i < field.values.size(); ++i) out += (i ? ", " : "") + code(field.values[i]);
    }
    out += "</dd>\n";
  }
  out += "</dl>\n";
}

std::string_view body_title(body_kind kind) {
  switch (kind) {
    case body_kind::none: return "";
    case body_kind::form: return "Form, urlencoded or multipart";
    case body_kind::urlencoded: return "Form, urlencoded";
    case body_kind::json: return "JSON body";
  }
  return "";
}

void append_route(std::string& out, const route_entry& entry, std::string_view base_url, bool with_key) {
  out += "<details id=\"" + std::string{entry.name} + "\"><summary><span class=\"method " + std::string{entry.method} +
         "\">" + std::string{entry.method} + "</span><span class=path>" + shown(entry.path) + "</span>";
  if (entry.ours) out += "<span class=ours>oncue</span>";
  out += "<span class=about>" + shown(entry.summary) + "</span></summary>\n<div class=inside>\n";
  if (!entry.details.empty()) out += "<p>" + shown(entry.details) + "</p>\n";
  if (!entry.example.empty()) out += block(curl(entry, base_url, with_key));
  append_fields(out, "Query", entry.query);
  append_fields(out, body_title(entry.body), entry.fields);
  append_fields(out, "Headers", entry.headers);
  out += "<h3>Answers</h3>\n<dl>\n";
  for (const auto& answer : entry.answers) {
    out += "<dt>" + code(std::to_string(answer.status)) + "</dt><dd>" + shown(answer.about);
    if (answer.status < 300 && !answer.content.empty()) {
      out += " <span class=soft>(" + shown(replaced(std::string{answer.content}, " ", " or ")) + ")</span>";
    }
    out += "</dd>\n";
  }
  out += "</dl>\n</div></details>\n";
}

std::string first_steps(std::string_view base_url, bool with_key) {
  const std::string key = with_key ? " -H \"Authorization: Bearer $KEY\"" : "";
  const std::string runs = std::string{base_url} + "/agents/story-writer-agent/runs";
  return "# start a run and read it as it is written\ncurl -N" + key + " " + runs +
         " \\\n  -d run_id=123 --data-urlencode 'message=write a story'\n\n# stop it, from another terminal\ncurl" + key +
         " " + runs + "/123/cancel --request POST\n\n# what is left of it\ncurl" + key + " " + std::string{base_url} +
         "/runs/123";
}

}  // namespace

std::string docs_page(const os_facts& facts, std::string_view base_url) {
  std::vector<std::string_view> groups;
  for (const auto& entry : route_table()) {
    if (!entry.group.empty() && std::find(groups.begin(), groups.end(), entry.group) == groups.end()) {
      groups.push_back(entry.group);
    }
  }
  std::string out =
      "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>" +
      shown(facts.name) + " API</title>\n<style>" + std::string{style} + "</style>\n</head>\n<body>\n<main>\n";
  out += "<h1>" + shown(facts.name) + " API</h1>\n<p class=soft>oncue " + shown(facts.version) +
         ": LLM agent runs that stop on cue, on the wire of agno&#39;s AgentOS " + std::string{agno_wire_version} +
         ". For programs: <a href=\"/openapi.json\">openapi.json</a>.</p>\n<nav>\n";
  for (const auto group : groups) out += "<a href=\"#" + std::string{group} + "\">" + std::string{group} + "</a>\n";
  out += "<a href=\"#not-served\">Not served</a>\n</nav>\n<h2>First steps</h2>\n" +
         block(first_steps(base_url, facts.with_key));
  if (facts.with_key) {
    out += "<p>This server has a key: every request but those for this page, " + code("/") + ", " + code("/health") + ", " +
           code("/info") + " and " + code("/openapi.json") + " needs " + code("Authorization: Bearer …") + ".</p>\n";
  }
  for (const auto group : groups) {
    out += "<h2 id=\"" + std::string{group} + "\">" + std::string{group} + "</h2>\n";
    for (const auto& entry : route_table()) {
      if (entry.group == group) append_route(out, entry, base_url, facts.with_key);
    }
  }
  out +=
      "<h2 id=\"not-served\">Not served</h2>\n<p>These parts of AgentOS are answered with 501 and a sentence. "
      "What concerns teams and workflows is answered with 404: there are none.</p>\n<ul class=flat>\n";
  out += "<li>" + code("/agents/{agent_id}/runs/{run_id}/continue") + "</li>\n";
  for (const auto& part : missing_parts()) {
    out += "<li>" + code(part.path.substr(0, part.path.find("/**"))) + "</li>\n";
  }
  return out + "</ul>\n</main>\n</body>\n</html>\n";
}

}  // namespace oncue::core
