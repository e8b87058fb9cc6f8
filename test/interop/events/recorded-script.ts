import { golden } from '../../mi/golden.ts'

/** Modules of the recorded scripts that nothing here needs: their lines are left out. */
const NOT_NEEDED =
  /^(?:loadmodule|modparam\()\s*"(?:cfgutils|mi_xmlrpc|mi_html|event_stream|event_kafka|json)(?:\.so)?".*$/gm

/**
 * A recorded configuration, `custom/script.cfg`, as it can run beside others on one machine: sockets and paths of its own,
 * without what no test receives. `replacements` are applied last, in order.
 */
export function recordedScript(
  name: string,
  replacements: readonly (readonly [from: string | RegExp, to: string])[],
): string {
  const text = golden(name)
    .toString('utf8')
    .replace(NOT_NEEDED, '')
    .replace(/^.*"(?:tcp|kafka):.*$/gm, '')
    .replace(/^(?:mpath|socket)=.*$/gm, '')
    .replaceAll('/var/spool/opensips/rn/', '@DIR@/')
    .replace('[$json(x)]', '[<null>]')
  return replacements.reduce((script, [from, to]) => script.replaceAll(from, to), text)
}
