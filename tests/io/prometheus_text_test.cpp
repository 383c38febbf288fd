#define CAF_SUITE io.prometheus_text

#include "oncue/io/prometheus_text.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

using namespace oncue;

CAF_TEST(a node is scraped with its names and numbers) {
  const node_stats node{.queued = 1,
                        .running = 2,
                        .started_total = 12'345'678'901,
                        .refused_total = 3,
                        .completed_total = 4,
                        .failed_total = 5,
                        .cancelled_total = 6,
                        .cancels_total = 7,
                        .draining = true};
  const core::server_numbers server{
      .connections = 8, .streams = 9, .requests_total = 10, .rejected_total = 11, .bytes_sent_total = 12, .actors = 13};
  const core::os_facts facts{.version = "0.1.0", .started_at_ms = 1795330014'500};
  const auto text = io::prometheus_text(core::node_samples(node, server, facts));
  for (const std::string line : {
           "# HELP oncue_runs_running Runs that talk to a model",
           "# TYPE oncue_runs_running gauge",
           "oncue_runs_running 2",
           "oncue_runs_queued 1",
           "# TYPE oncue_runs_started_total counter",
           "oncue_runs_started_total 12345678901",
           "oncue_runs_refused_total 3",
           "# TYPE oncue_runs_ended_total counter",
           "oncue_runs_ended_total{status=\"COMPLETED\"} 4",
           "oncue_runs_ended_total{status=\"ERROR\"} 5",
           "oncue_runs_ended_total{status=\"CANCELLED\"} 6",
           "oncue_cancels_total 7",
           "oncue_draining 1",
           "oncue_http_connections 8",
           "oncue_http_streams 9",
           "oncue_http_requests_total 10",
           "oncue_http_rejected_total 11",
           "oncue_http_sent_bytes_total 12",
           "oncue_actors 13",
           "oncue_build_info{version=\"0.1.0\"} 1",
           "oncue_start_time_seconds 1795330014.5",
       }) {
    if (("\n" + text).find("\n" + line + "\n") == std::string::npos) CAF_ERROR("missing: " << line);
  }
  CAF_CHECK(text.ends_with('\n'));
}

CAF_TEST(labels are escaped) {
  const auto text = io::prometheus_text({{"x", "Help", core::metric_family::kind::gauge, {{{{"l", "q\"\\\n"}}, 1}}}});
  CAF_CHECK_EQUAL(text, "# HELP x Help\n# TYPE x gauge\nx{l=\"q\\\"\\\\\\n\"} 1\n");
  CAF_CHECK_EQUAL(io::prometheus_text({}), "");
}
