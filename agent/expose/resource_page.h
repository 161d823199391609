#pragma once

#include <string>

#include "agent/expose/text_format.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Replaces `page` by what a kubelet serves at /metrics/resource: CPU time, working set and swap of
/// the node, its pods and their containers, under the kubelet's names and labels, with the time of
/// reading at each sample but start times. Pods and containers of Kubernetes have pod and
/// namespace; a container of an engine alone has its name as `container`, and neither. Sandboxes
/// are left out; of containers with the same labels the one that started last is shown. Without a
/// snapshot (the collection is stuck) only the error is told.
/// Source: kubernetes pkg/kubelet/metrics/collectors/resource_metrics.go.
void render_resource_page(const Snapshot* snapshot, TextFormat format, std::string& page);

}  // namespace cgmon
