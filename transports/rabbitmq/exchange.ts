import { DeliveryError } from '../../src/events/transport.ts'
import type { RabbitMqAddress } from './address.ts'
import type { BrokerConnection } from './connections.ts'

/** AMQP 0-9-1 §1.1 reply codes. */
const ACCESS_REFUSED = 403
const NOT_FOUND = 404
const PRECONDITION_FAILED = 406

/**
 * Makes sure that the exchange of the address is there: declares it where the address says of which type, else only
 * asks, so that nothing is changed on the broker. A publish to an exchange that is not there would kill the channel with
 * all that is under way on it. Rejects with DeliveryError E_NOT_CONNECTED.
 */
export async function openExchange(connection: BrokerConnection, address: RabbitMqAddress): Promise<void> {
  const { exchange, exchangeType } = address
  // What the broker refuses costs the channel it was asked on.
  const probe = await connection.model.createChannel()
  probe.on('error', () => {})
  try {
    if (exchangeType === undefined) await probe.checkExchange(exchange)
    else await probe.assertExchange(exchange, exchangeType, { durable: true })
  } catch (cause) {
    throw new DeliveryError('E_NOT_CONNECTED', complaint(address, cause as Error & { code?: number }), { cause })
  }
  await probe.close()
}

function complaint(
  { exchange, exchangeType, vhost }: RabbitMqAddress,
  { code, message }: Error & { code?: number },
): string {
  if (code === NOT_FOUND) return `no exchange "${exchange}" in virtual host "${vhost}"`
  if (exchangeType === undefined) return message
  if (code === PRECONDITION_FAILED)
    return `exchange "${exchange}" is there, but not as durable ${exchangeType}: ${message}`
  return code === ACCESS_REFUSED ? `the user may not declare exchange "${exchange}": ${message}` : message
}
