// The one type-id block: whatever travels between actors is listed here once, sorted. Include it in every file that
// spawns or sends; call oncue::init_messages() before an actor system is made.
#pragma once

#include <caf/type_id.hpp>

#include "oncue/messages/actors.hpp"

CAF_BEGIN_TYPE_ID_BLOCK(oncue, caf::first_custom_type_id)

CAF_ADD_TYPE_ID(oncue, (oncue::alarm))
CAF_ADD_TYPE_ID(oncue, (oncue::alarm_client_actor))
CAF_ADD_TYPE_ID(oncue, (oncue::append_events))
CAF_ADD_TYPE_ID(oncue, (oncue::appended))
CAF_ADD_TYPE_ID(oncue, (oncue::begin_run))
CAF_ADD_TYPE_ID(oncue, (oncue::boxed<oncue::model_request_completed>))
CAF_ADD_TYPE_ID(oncue, (oncue::boxed<oncue::model_request_retrying>))
CAF_ADD_TYPE_ID(oncue, (oncue::boxed<oncue::run_ended>))
CAF_ADD_TYPE_ID(oncue, (oncue::boxed<oncue::run_started>))
CAF_ADD_TYPE_ID(oncue, (oncue::boxed<oncue::tool_call_ended>))
CAF_ADD_TYPE_ID(oncue, (oncue::boxed<oncue::tool_call_started>))
CAF_ADD_TYPE_ID(oncue, (oncue::cancel_reply))
CAF_ADD_TYPE_ID(oncue, (oncue::cancel_request))
CAF_ADD_TYPE_ID(oncue, (oncue::clear_alarm))
CAF_ADD_TYPE_ID(oncue, (oncue::close_stream))
CAF_ADD_TYPE_ID(oncue, (oncue::content_completed))
CAF_ADD_TYPE_ID(oncue, (oncue::content_delta))
CAF_ADD_TYPE_ID(oncue, (oncue::create_reply))
CAF_ADD_TYPE_ID(oncue, (oncue::create_run))
CAF_ADD_TYPE_ID(oncue, (oncue::delta_sink_actor))
CAF_ADD_TYPE_ID(oncue, (oncue::drain_node))
CAF_ADD_TYPE_ID(oncue, (oncue::drain_reply))
CAF_ADD_TYPE_ID(oncue, (oncue::end_orphan))
CAF_ADD_TYPE_ID(oncue, (oncue::end_orphan_reply))
CAF_ADD_TYPE_ID(oncue, (oncue::event_batch))
CAF_ADD_TYPE_ID(oncue, (oncue::event_source_actor))
CAF_ADD_TYPE_ID(oncue, (oncue::finish_run))
CAF_ADD_TYPE_ID(oncue, (oncue::finished))
CAF_ADD_TYPE_ID(oncue, (oncue::journal_client_actor))
CAF_ADD_TYPE_ID(oncue, (oncue::journal_refused))
CAF_ADD_TYPE_ID(oncue, (oncue::list_runs))
CAF_ADD_TYPE_ID(oncue, (oncue::model_closed))
CAF_ADD_TYPE_ID(oncue, (oncue::model_delta))
CAF_ADD_TYPE_ID(oncue, (oncue::model_done))
CAF_ADD_TYPE_ID(oncue, (oncue::model_failed))
CAF_ADD_TYPE_ID(oncue, (oncue::model_opened))
CAF_ADD_TYPE_ID(oncue, (oncue::model_request))
CAF_ADD_TYPE_ID(oncue, (oncue::model_request_started))
CAF_ADD_TYPE_ID(oncue, (oncue::pause_stream))
CAF_ADD_TYPE_ID(oncue, (oncue::pull_limits))
CAF_ADD_TYPE_ID(oncue, (oncue::reasoning_delta))
CAF_ADD_TYPE_ID(oncue, (oncue::record_cancel))
CAF_ADD_TYPE_ID(oncue, (oncue::record_cancel_reply))
CAF_ADD_TYPE_ID(oncue, (oncue::resume_stream))
CAF_ADD_TYPE_ID(oncue, (oncue::run_changed))
CAF_ADD_TYPE_ID(oncue, (oncue::run_closed))
CAF_ADD_TYPE_ID(oncue, (oncue::run_continued))
CAF_ADD_TYPE_ID(oncue, (oncue::run_list))
CAF_ADD_TYPE_ID(oncue, (oncue::run_paused))
CAF_ADD_TYPE_ID(oncue, (oncue::run_request))
CAF_ADD_TYPE_ID(oncue, (oncue::set_alarm))
CAF_ADD_TYPE_ID(oncue, (oncue::start_reply))
CAF_ADD_TYPE_ID(oncue, (oncue::subscribe_reply))
CAF_ADD_TYPE_ID(oncue, (oncue::subscribe_run))
CAF_ADD_TYPE_ID(oncue, (oncue::subscriber_actor))

CAF_END_TYPE_ID_BLOCK(oncue)

namespace oncue {

/// Registers CAF's and our message types, once for the process. Must come before the first actor system.
void init_messages();

}  // namespace oncue
