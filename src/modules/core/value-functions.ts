import { arg, functionGroup, optional } from '../../module/define.ts'

/** Functions that make values. */
export const valueFunctions = functionGroup(
  {
    pv_printf: {
      args: [arg('variable', 'var', 'Where the text goes.'), arg('format', 'str', 'Text with variables.')],
      routes: 'any',
      aliases: ['avp_printf'],
      returns: '1; −1 the variable refuses the value',
      doc: 'Writes an expanded text into a variable.',
    },
    avp_print: { args: [], routes: 'any', returns: '1', doc: 'Logs every AVP of the message.' },
    get_timestamp: {
      args: [
        arg('seconds', 'var', 'Gets the seconds since 1970.'),
        arg('microseconds', 'var', 'Gets the rest, in µs.'),
      ],
      routes: 'any',
      returns: '1; −1 a variable refuses the value',
      doc: 'Reads the wall clock.',
    },
    construct_uri: {
      args: [
        arg('proto', 'str', 'Scheme, `sip` or `sips`.'),
        arg('user', 'str', 'User part, may be empty.'),
        arg('domain', 'str', 'Host.'),
        arg('port', 'str', 'Port, may be empty.'),
        arg('extra', 'str', 'Parameters, without the first semicolon; may be empty.'),
        arg('uri', 'var', 'Gets the URI.'),
      ],
      routes: 'any',
      returns: '1; −1 scheme or domain is empty, or the variable refuses the value',
      doc: 'Builds a URI from its parts.',
    },
    sr_check_status: {
      args: [arg('group', 'str', 'Status group.'), optional(arg('identifier', 'str', 'Identifier inside the group.'))],
      routes: 'any',
      returns: '1 ready; −1 not ready or unknown',
      doc: 'Whether a status/report group is ready.',
    },
  },
  ({ host, log, clock }) => ({
    pv_printf: (variable, format) => m => (variable.read(m).set(m, format.read(m), true) ? 1 : -1),
    avp_print: () => m => {
      for (const name of m.avps.names()) log.info('AVP', { name, values: m.avps.all(name).join(', ') })
      return 1
    },
    get_timestamp: (seconds, microseconds) => m => {
      const nowMs = clock.nowMs()
      const whole = Math.floor(nowMs / 1000)
      return seconds.read(m).set(m, whole, true) &&
        microseconds.read(m).set(m, Math.round((nowMs - whole * 1000) * 1000), true)
        ? 1
        : -1
    },
    construct_uri: (proto, user, domain, port, extra, uri) => m => {
      const scheme = proto.read(m)
      const host = domain.read(m)
      if (scheme === '' || host === '') return -1
      const userPart = user.read(m)
      const portPart = port.read(m)
      const params = extra.read(m)
      const text = `${scheme}:${userPart === '' ? '' : `${userPart}@`}${host}${portPart === '' ? '' : `:${portPart}`}${params === '' ? '' : `;${params}`}`
      return uri.read(m).set(m, text, true) ? 1 : -1
    },
    sr_check_status: (group, identifier) => m => (host.status.isReady(group.read(m), identifier?.read(m)) ? 1 : -1),
  }),
)
