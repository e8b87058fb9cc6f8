import type { FunctionHandlers } from '../../module/define.ts'
import { arg, optional } from '../../module/define.ts'
import type { PvarRef } from '../../script/args.ts'
import type { RouteContext } from '../../script/context.ts'
import { parseNameAddr } from '../../sip/codec/name-addr.ts'
import { parseUri } from '../../sip/codec/uri.ts'

/** International number: "+" and up to 15 digits (ITU-T E.164). */
const E164 = /^\+\d{1,15}$/

/** Functions on the Remote-Party-ID of a user. */
export const rpidSpecs = {
  is_rpid_user_e164: {
    args: [],
    routes: ['request'],
    returns: '1 it is; −1 it is not, or there is none',
    doc: 'Whether the user in rpid_avp is an international number, `+` and up to 15 digits.',
  },
  append_rpid_hf: {
    args: [
      optional(arg('prefix', 'str', 'Instead of rpid_prefix.')),
      optional(arg('suffix', 'str', 'Instead of rpid_suffix.')),
    ],
    routes: ['request', 'branch', 'failure'],
    returns: '1 added; −1 rpid_avp is empty',
    doc: 'Adds Remote-Party-ID with the value of rpid_avp between prefix and suffix.',
  },
} as const

interface RpidParts {
  readonly variable: PvarRef
  readonly prefix: string
  readonly suffix: string
}

/** Handlers of {@link rpidSpecs}. */
export function rpidFunctions({ variable, prefix, suffix }: RpidParts): FunctionHandlers<typeof rpidSpecs> {
  const rpidOf = (m: RouteContext): string => {
    const value = variable.get(m)
    return value === null ? '' : String(value).replace(/[\r\n]/g, ' ')
  }
  return {
    is_rpid_user_e164: () => m => {
      const text = rpidOf(m)
      const uri = parseUri(parseNameAddr(text)?.uri ?? text)
      return E164.test(uri?.user ?? text) ? 1 : -1
    },
    append_rpid_hf: (before, behind) => m => {
      const value = rpidOf(m)
      if (value === '') return -1
      const line = `Remote-Party-ID: ${before?.read(m) ?? prefix}${value}${behind?.read(m) ?? suffix}\r\n`
      m.edits.insert(m.message.headersEnd, line)
      return 1
    },
  }
}
