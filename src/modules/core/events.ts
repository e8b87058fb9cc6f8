import { field, optionalField } from '../../module/define.ts'

const profiling = {
  sec: field('int', 'Time of the step, whole seconds since 1970.'),
  usec: field('int', 'Microseconds of that time.'),
  session: field('int', 'Profiling session.'),
  verb: field('str', 'What happened: start, enter, exit or end.'),
  name: field('str', 'Route or step.'),
  type: field('int', 'Kind of step.'),
  depth: field('int', 'Nesting depth.'),
  file: optionalField('str', 'Script file.'),
  line: optionalField('int', 'Line in it.'),
  status: optionalField('int', 'Result of the step.'),
}

const memory = {
  usage: field('int', 'Share in use, whole percent.'),
  threshold: field('int', 'The configured limit, percent.'),
  used: field('int', 'Bytes in use.'),
  size: field('int', 'Bytes in all.'),
}

/** Events of the core, in the order in which OpenSIPS publishes them: their ids follow from it. */
export const coreEvents = {
  E_CORE_SR_STATUS_CHANGED: {
    doc: 'The status of a status/report identifier changed.',
    fields: {
      group: field('str', 'Status group.'),
      identifier: field('str', 'Identifier inside the group.'),
      status: field('int', 'The new status; positive is ready.'),
      details: optionalField('str', 'Text that goes with the new status.'),
      old_status: field('int', 'The status before.'),
    },
  },
  E_CORE_THRESHOLD: {
    doc: 'A guarded operation took longer than its configured limit.',
    fields: {
      source: field('str', 'What was slow, `msg processing` or `dns`.'),
      time: field('int', 'How long it took, microseconds.'),
      extra: field('str', 'The message or the name that was looked up.'),
    },
  },
  E_CORE_SHM_THRESHOLD: { doc: 'Memory of the process passed `event_shm_threshold`.', fields: memory },
  E_CORE_PKG_THRESHOLD: {
    doc: 'The JavaScript heap passed `event_pkg_threshold`.',
    fields: { ...memory, pid: field('int', 'Process id.') },
  },
  E_CORE_PROC_AUTO_SCALE: {
    doc: 'A worker was started or ended. Never raised: one event loop serves all.',
    fields: {
      group_type: field('str', 'Kind of worker group.'),
      group_filter: field('str', 'Which group.'),
      group_load: field('int', 'Its load, percent.'),
      scale: field('str', '`up` or `down`.'),
      process_id: field('int', 'Internal process number.'),
      pid: field('int', 'Process id.'),
    },
  },
  E_CORE_TCP_DISCONNECT: {
    doc: 'A connection of a stream transport was closed.',
    fields: {
      src_ip: field('str', 'Address of the peer.'),
      src_port: field('int', 'Port of the peer.'),
      dst_ip: field('str', 'Our address.'),
      dst_port: field('int', 'Our port.'),
      proto: field('str', 'Protocol, `tcp`.'),
    },
  },
  E_PROFILING_SCRIPT: {
    doc: 'A route or statement was entered or left while script profiling runs.',
    fields: profiling,
  },
  E_PROFILING_PROC: { doc: 'An internal step was entered or left while process profiling runs.', fields: profiling },
  E_CORE_LOG: {
    doc: 'A line was written to the log while `log_event_enabled` is on.',
    fields: {
      time: field('str', 'Time as the log line shows it.'),
      pid: field('int', 'Process id.'),
      level: field('str', 'Level as the log line shows it.'),
      module: optionalField('str', 'Which part wrote it; absent for the script.'),
      function: optionalField('str', 'Always absent here.'),
      prefix: optionalField('str', 'The configured `log_prefix`.'),
      message: field('str', 'The text.'),
    },
  },
} as const
