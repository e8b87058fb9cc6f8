import { arg, defineModule, param } from '../../module/define.ts'
import { messageSlot, type RouteContext, type Verdict } from '../../script/context.ts'
import { HeaderId } from '../../sip/codec/header-id.ts'

/** What a message gave before: the header is changed once, however often the script asks. */
const processed = messageSlot<Verdict>()

/** Max-Forwards (RFC 3261 §16.3 step 3, §16.6 step 3). */
export default defineModule(
  {
    name: 'maxfwd',
    doc: 'Counts Max-Forwards down, so that no request runs in a circle for ever.',
    params: { max_limit: param('int', 256, 'Largest value that goes out.') },
    functions: {
      mf_process_maxfwd_header: {
        args: [arg('initial', 'int', 'Value for a request that has no Max-Forwards.')],
        routes: ['request'],
        returns: '1 counted down; 2 added; −1 the value is 0; −2 the value cannot be read',
        doc: 'Counts Max-Forwards down, or adds it.',
      },
      is_maxfwd_lt: {
        args: [arg('limit', 'int', 'Value to compare with.')],
        routes: ['request', 'failure', 'branch'],
        returns: '1 less than the limit; −1 not less; −2 there is no Max-Forwards; −3 the value cannot be read',
        doc: 'Compares Max-Forwards, as received, with a limit.',
      },
    },
  },
  ({ params }) => ({
    functions: {
      mf_process_maxfwd_header: initial => {
        if (initial.constant !== undefined && !isMaxForwards(initial.constant)) initial.reject('expected 0…255')
        return m => {
          const known = processed.get(m)
          if (known !== undefined) return known
          const verdict = countDown(m, initial.read(m), params.max_limit)
          processed.set(m, verdict)
          return verdict
        }
      },
      is_maxfwd_lt: limit => m => {
        const { maxForwards } = m.message
        if (maxForwards < 0) return maxForwards === -1 ? -2 : -3
        return maxForwards < limit.read(m) ? 1 : -1
      },
    },
  }),
)

function countDown({ message, edits }: RouteContext, initial: number, limit: number): Verdict {
  const { maxForwards } = message
  if (maxForwards === -1) {
    if (!isMaxForwards(initial)) return -2
    edits.insert(message.headersEnd, `Max-Forwards: ${Math.min(initial, limit)}\r\n`)
    return 2
  }
  if (maxForwards < 0) return -2
  if (maxForwards === 0) return -1
  const header = message.find(HeaderId.maxForwards)
  edits.replace(message.valueStart(header), message.valueEnd(header), String(Math.min(maxForwards - 1, limit)))
  return 1
}

function isMaxForwards(value: number): boolean {
  return value >= 0 && value <= 255
}
