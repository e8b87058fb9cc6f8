import { messageStatements } from './messages.ts'
import { proxyingStatements } from './proxying.ts'
import type { SipStatement } from './statement.ts'
import { transactionStatements } from './transactions.ts'
import { transportStatements } from './transport.ts'

const order = new Intl.Collator('en', { numeric: true })

/** Every testable statement about a stateful SIP proxy, in the order of their numbers. */
export const sipStatements: readonly SipStatement[] = [
  ...messageStatements,
  ...transportStatements,
  ...transactionStatements,
  ...proxyingStatements,
].sort((a, b) => order.compare(a.id, b.id))
