"""Processes of a cgroup and their network namespace, read from /proc independently of the agent."""

import os
import re

from support.kernel_reader import read

kNetstat = {
    "tcp_retransmitted_segments_total": ("snmp", "Tcp", "RetransSegs"),
    "tcp_sent_segments_total": ("snmp", "Tcp", "OutSegs"),
    "tcp_listen_overflows_total": ("netstat", "TcpExt", "ListenOverflows"),
    "tcp_listen_drops_total": ("netstat", "TcpExt", "ListenDrops"),
    "tcp_active_opens_total": ("snmp", "Tcp", "ActiveOpens"),
    "tcp_passive_opens_total": ("snmp", "Tcp", "PassiveOpens"),
    "tcp_resets_sent_total": ("snmp", "Tcp", "OutRsts"),
    "udp_receive_buffer_errors_total": ("snmp", "Udp", "RcvbufErrors"),
}


def _net_table(pid, file, title):
    """{name: number} of the two lines of a title in /proc/PID/net."""
    lines = (read(f"/proc/{pid}/net/{file}") or "").splitlines()
    names, numbers = [line.split()[1:] for line in lines if line.startswith(title + ":")]
    return dict(zip(names, numbers))


def put_figures(cgroup, figures):
    """Of all in the cgroup and below it, by /proc; the container is paused, none comes or goes."""
    controller = "memory" if cgroup.host.serving("memory") else "cpu"
    top, _ = cgroup.directory(controller)
    pids = [int(pid) for directory, _, _ in os.walk(top)
            for pid in (read(directory + "/cgroup.procs") or "").split()]  # fmt: skip
    states, links, zombies = dict.fromkeys("RSTD", 0), [], 0
    for pid in pids:
        links += _links(pid)
        zombies += _state_of(f"/proc/{pid}") == "Z"
        for thread in os.listdir(f"/proc/{pid}/task"):
            state = _state_of(f"/proc/{pid}/task/{thread}").upper()
            states[state] = states.get(state, 0) + 1
    put = figures.put
    put("container_processes", len(pids))
    put("container_processes_zombie", zombies)
    put("container_file_descriptors", len(links))
    put("container_sockets", sum(link.startswith("socket:") for link in links))
    for word, state in (("running", "R"), ("sleeping", "S"), ("stopped", "T"), ("uninterruptible", "D")):
        put("container_tasks_state", states[state], state=word)
    if pids:
        _put_netstat(min(pids), figures)
        soft = re.search(r"^Max open files\s+(\S+)", read(f"/proc/{min(pids)}/limits"), re.MULTILINE)
        put("container_ulimits_soft", int(soft[1]), ulimit="max_open_files")
        put("container_oom_score_adj", int(read(f"/proc/{min(pids)}/oom_score_adj")))


def _put_netstat(pid, figures):
    for family, (file, title, name) in kNetstat.items():
        number = int(_net_table(pid, file, title)[name])
        figures.put("container_network_" + family, number)


def _links(pid):
    directory = f"/proc/{pid}/fd"
    return [os.readlink(f"{directory}/{name}") for name in os.listdir(directory)]


def _state_of(directory):
    return (read(directory + "/stat") or ") X").rpartition(") ")[2][0]
