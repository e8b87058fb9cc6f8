import { CreateFlag } from './create-flags.ts'
import type { Dialog } from './dialog.ts'
import { type DialogRequest, type Party, sendTo } from './local-requests.ts'
import type { DialogServices } from './services.ts'

type PingReason = 'Ping Timeout' | 'ReINVITE Ping Timeout'

/** Replies that say the call is gone; 408 also stands for none. */
const GONE: ReadonlySet<number> = new Set([408, 481])

/** Begins to ask the parties, in the ways create_dialog was told, whether they are still there. */
export function startPings(services: DialogServices, dialog: Dialog, gone: (reason: PingReason) => void): void {
  const { optionsPingS, reinvitePingS } = services.settings
  const { pingCaller, pingCallee, reinviteCaller, reinviteCallee } = CreateFlag
  const options = partiesOf(dialog, pingCaller, pingCallee)
  if (options.length > 0 && optionsPingS > 0)
    every(services, dialog, 'options', optionsPingS, () =>
      ping(
        services,
        dialog,
        options,
        () => ({ method: 'OPTIONS' }),
        () => gone('Ping Timeout'),
      ),
    )
  const reinvites = partiesOf(dialog, reinviteCaller, reinviteCallee)
  if (reinvites.length > 0 && reinvitePingS > 0)
    every(services, dialog, 'reinvite', reinvitePingS, () =>
      ping(
        services,
        dialog,
        reinvites,
        party => reinvite(dialog, party),
        () => gone('ReINVITE Ping Timeout'),
      ),
    )
}

function partiesOf(dialog: Dialog, caller: number, callee: number): readonly Party[] {
  const parties: Party[] = []
  if ((dialog.flags & caller) !== 0) parties.push('caller')
  if ((dialog.flags & callee) !== 0) parties.push('callee')
  return parties
}

function every(
  services: DialogServices,
  dialog: Dialog,
  name: 'options' | 'reinvite',
  periodS: number,
  run: () => void,
): void {
  dialog.timers[name]?.clear()
  dialog.timers[name] = services.clock.every(periodS * 1000, run)
}

function ping(
  services: DialogServices,
  dialog: Dialog,
  parties: readonly Party[],
  request: (party: Party) => DialogRequest,
  gone: () => void,
): void {
  if (dialog.isReplica) return
  for (const party of parties) {
    void sendTo(services, dialog, party, request(party))?.then(({ status }) => {
      if (GONE.has(status)) gone()
    })
  }
}

/** Offers what the other party offered last: nothing changes. */
function reinvite(dialog: Dialog, party: Party): DialogRequest {
  const sdp = (party === 'caller' ? dialog.callee?.sdp : dialog.caller.sdp) ?? ''
  return sdp === ''
    ? { method: 'INVITE' }
    : { method: 'INVITE', headers: 'Content-Type: application/sdp\r\n', body: sdp }
}
