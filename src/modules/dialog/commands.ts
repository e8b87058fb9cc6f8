import { MiError } from '../../mi/management-interface.ts'
import { arg, optional } from '../../module/define.ts'
import { andThen } from '../../util/and-then.ts'
import { mapInSlices } from '../../util/in-slices.ts'
import type { CommandSpec, Commands } from '../../util/spec.ts'
import { changed } from './changes.ts'
import type { Dialog } from './dialog.ts'
import { EndReason, endByUs } from './lifecycle.ts'
import { isNamed, listing } from './listing.ts'
import { sendTo } from './local-requests.ts'
import type { Profile } from './profile.ts'
import type { DialogServices } from './services.ts'
import { storeValue } from './value-functions.ts'

const dialogId = arg('dialog_id', 'str', 'Id in either form, or Call-ID.')
const profileName = arg('profile', 'str', 'Name of the profile.')
const profileValue = optional(arg('value', 'str', 'Value, in profiles with values.'))
const listArgs = [
  optional(arg('callid', 'str', 'Call-ID; or, if it is a number, how many to pass over.')),
  optional(arg('from_tag', 'str', 'Tag of the caller; or how many to show.')),
  optional(arg('index', 'int', 'How many to pass over.')),
  optional(arg('counter', 'int', 'How many to show.')),
] as const

/** Management commands of dialogs. */
export const dialogCommands = {
  list: { args: listArgs, aliases: ['dlg_list'], doc: 'Lists calls.' },
  list_ctx: { args: listArgs, aliases: ['dlg_list_ctx'], doc: 'Lists calls with their values and profiles.' },
  end_dlg: {
    args: [dialogId, optional(arg('extra_hdrs', 'str', 'Header lines for the BYEs, each with CRLF.'))],
    aliases: ['dlg_end_dlg'],
    doc: 'Ends a call: BYEs to both parties, or CANCEL where it is not answered yet.',
  },
  db_sync: { args: [], aliases: ['dlg_db_sync'], doc: 'Takes over the calls of the database that are not known.' },
  restore_db: {
    args: [],
    aliases: ['dlg_restore_db'],
    doc: 'Empties the table of the database and writes the calls that stand into it.',
  },
  cluster_sync: {
    args: [optional(arg('sharing_tag', 'str', 'Sharing tag.'))],
    aliases: ['dlg_cluster_sync'],
    doc: 'Asks the cluster for its calls.',
  },
  profile_get_size: { args: [profileName, profileValue], doc: 'Counts the calls in a profile.' },
  profile_list_dlgs: { args: [profileName, profileValue], doc: 'Lists the calls in a profile.' },
  profile_get_values: { args: [profileName], doc: 'Lists the values of a profile with their counts.' },
  list_all_profiles: { args: [], doc: 'Lists the profiles: name, and 1 for those with values.' },
  profile_end_dlgs: { args: [profileName, profileValue], doc: 'Ends the calls in a profile.' },
  push_var: {
    args: [
      arg('dlg_val_name', 'str', 'Name of the value.'),
      arg('dlg_val_value', 'str', 'The value.'),
      arg('DID', 'json', 'Calls: one id or a list of them.'),
    ],
    aliases: ['dlg_push_var'],
    doc: 'Keeps a value with calls.',
  },
  send_sequential: {
    args: [
      arg('callid', 'str', 'Id or Call-ID.'),
      optional(arg('method', 'str', 'Method; INVITE.')),
      optional(arg('mode', 'str', '`caller`, `callee`, or `challenge`, which is the caller.')),
      optional(arg('body', 'str', 'Body: `none`, `inbound`, `outbound`, or `custom:Content-Type:text`.')),
      optional(arg('headers', 'str', 'Header lines, each with CRLF.')),
    ],
    aliases: ['dlg_send_sequential'],
    doc: 'Sends a request within a call and answers with its final reply.',
  },
  set_profile: {
    args: [arg('DID', 'str', 'Id or Call-ID.'), profileName, profileValue],
    aliases: ['set_dlg_profile'],
    doc: 'Puts a call into a profile.',
  },
  unset_profile: {
    args: [arg('DID', 'str', 'Id or Call-ID.'), profileName, profileValue],
    aliases: ['unset_dlg_profile'],
    doc: 'Takes a call out of a profile.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>

const NOT_FOUND = 'Requested Dialog not found'

interface ListArgs {
  readonly callid: string | undefined
  readonly from_tag: string | undefined
  readonly index: number | undefined
  readonly counter: number | undefined
}

/** Builds them. */
export function dialogCommandHandlers(
  services: DialogServices,
): Commands<{ readonly commands: typeof dialogCommands }> {
  const { profiles, table } = services
  const profileOf = (name: string): Profile => {
    const profile = profiles.find(name)
    if (profile === undefined) throw new MiError(404, 'Profile not found')
    return profile
  }
  const members = (name: string, value: string | undefined): readonly Dialog[] => {
    const profile = profileOf(name)
    return [...table.all()].filter(dialog => profile.holds(dialog, value ?? null))
  }
  return {
    list: args => list(services, args, false),
    list_ctx: args => list(services, args, true),
    end_dlg: ({ dialog_id, extra_hdrs }) => {
      const headers = extra_hdrs === undefined || extra_hdrs === '' ? '' : `${extra_hdrs.trim()}\r\n`
      const dialog = findDialog(services, dialog_id)
      if (dialog === undefined || !terminate(services, dialog, headers)) throw new MiError(404, NOT_FOUND)
      return 'OK'
    },
    db_sync: () => withDatabase(services, storage => storage.read()),
    restore_db: () => withDatabase(services, storage => storage.rewrite()),
    cluster_sync: () => {
      if (services.replication === null) throw new MiError(400, 'Clustering not enabled')
      if (!services.replication.resync())
        throw new MiError(500, 'Failed to send sync request', 'no other node can be reached')
      return 'OK'
    },
    profile_get_size: ({ profile: name, value }) => {
      const profile = profileOf(name)
      const show = (count: number) => ({
        Profile: { name: profile.name, value: value ?? null, count, ...sharingOf(profile) },
      })
      const count = profile.sizeEverywhere(value ?? null)
      if (!(count instanceof Promise)) return show(count)
      return count.then(show, (error: unknown) => {
        throw new MiError(500, 'Internal error', String(error))
      })
    },
    profile_list_dlgs: ({ profile, value }) =>
      andThen(listings(members(profile, value), false), Dialogs => ({ Dialogs })),
    profile_get_values: ({ profile: name }) => ({
      Values: profileOf(name)
        .values()
        .map(([value, count]) => ({ value, count })),
    }),
    list_all_profiles: () => ({
      Profiles: [...profiles.all()].map(profile => ({
        name: profile.name,
        'has value': profile.hasValues ? 1 : 0,
        ...sharingOf(profile),
      })),
    }),
    profile_end_dlgs: ({ profile, value }) =>
      andThen(
        mapInSlices(members(profile, value), dialog => terminate(services, dialog, '')),
        () => 'OK',
      ),
    push_var: ({ dlg_val_name, dlg_val_value, DID }) => {
      const keys = (Array.isArray(DID) ? DID : [DID]).map(String)
      const dialogs = keys.map(key => findDialog(services, key))
      if (dialogs.length === 0 || dialogs.includes(undefined)) throw new MiError(404, NOT_FOUND)
      for (const dialog of dialogs) if (dialog !== undefined) storeValue(services, dialog, dlg_val_name, dlg_val_value)
      return 'OK'
    },
    send_sequential: args => sendSequential(services, args),
    set_profile: ({ DID, profile: name, value }) => {
      const dialog = findDialog(services, DID)
      if (dialog === undefined) throw new MiError(404, NOT_FOUND)
      const profile = profileOf(name)
      if (profile.hasValues && value === undefined) throw new MiError(400, 'Profile needs a value')
      profile.add(dialog, value ?? '')
      changed(services, dialog, 'values')
      return 'OK'
    },
    unset_profile: ({ DID, profile, value }) => {
      const dialog = findDialog(services, DID)
      if (dialog === undefined) throw new MiError(404, NOT_FOUND)
      if (!profileOf(profile).remove(dialog, value ?? '')) throw new MiError(404, 'Dialog not in profile')
      changed(services, dialog, 'values')
      return 'OK'
    },
  }
}

/** `shared` is a key-value store, `replicated` the cluster. */
const sharingOf = ({ scope }: Profile) => ({
  shared: scope === 'store' ? 'yes' : 'no',
  replicated: scope === 'cluster' ? 'yes' : 'no',
})

async function withDatabase(
  { storage }: DialogServices,
  work: (storage: NonNullable<DialogServices['storage']>) => Promise<void>,
): Promise<string> {
  if (storage === null) throw new MiError(400, 'Dialogs are not kept in a database')
  try {
    await work(storage)
    return 'OK'
  } catch (error) {
    throw new MiError(500, 'Internal error', error instanceof Error ? error.message : String(error))
  }
}

function list({ table }: DialogServices, { callid, from_tag, index, counter }: ListArgs, withContext: boolean) {
  const isPage = callid !== undefined && /^\d+$/.test(callid) && table.ofCall(callid).length === 0
  const all = [...table.all()]
  if (callid !== undefined && !isPage) {
    const dialogs = all.filter(d => isNamed(d, callid) && (from_tag === undefined || d.caller.tag === from_tag))
    if (dialogs.length === 0) throw new MiError(404, NOT_FOUND)
    return andThen(listings(dialogs, withContext), Dialogs => ({ Dialogs }))
  }
  const first = index ?? Number(isPage ? callid : 0)
  const most = counter ?? (isPage && from_tag !== undefined ? Number(from_tag) : all.length)
  const isPart = isPage || index !== undefined
  return andThen(listings(all.slice(first, first + most), withContext), Dialogs =>
    isPart ? { count: all.length, Dialogs } : { Dialogs },
  )
}

const listings = (dialogs: readonly Dialog[], withContext: boolean) =>
  mapInSlices(dialogs, dialog => listing(dialog, withContext))

function findDialog({ table }: DialogServices, key: string): Dialog | undefined {
  return table.findText(key) ?? table.ofCall(key).at(-1)
}

/** BYEs, or CANCELs where the call has not been answered. False: it is over. */
function terminate(services: DialogServices, dialog: Dialog, headers: string): boolean {
  if (dialog.isActive) return endByUs(services, dialog, EndReason.command, headers)
  const { transaction } = dialog
  if (transaction === null) return false
  dialog.endReason = EndReason.command
  return services.tm.cancel(transaction, headers)
}

async function sendSequential(
  services: DialogServices,
  args: {
    readonly callid: string
    readonly method: string | undefined
    readonly mode: string | undefined
    readonly body: string | undefined
    readonly headers: string | undefined
  },
): Promise<{ Status: string }> {
  const dialog = findDialog(services, args.callid)
  if (dialog === undefined || !dialog.isActive) throw new MiError(404, NOT_FOUND)
  const party = args.mode === 'callee' ? 'callee' : 'caller'
  const { type, text } = bodyOf(dialog, party, args.body ?? 'none')
  const headers = (type === '' ? '' : `Content-Type: ${type}\r\n`) + (args.headers ?? '')
  const sent = sendTo(services, dialog, party, { method: args.method ?? 'INVITE', headers, body: text })
  if (sent === null) throw new MiError(500, 'The party cannot be reached')
  const { status, reason } = await sent
  return { Status: `${status} ${reason}` }
}

function bodyOf(dialog: Dialog, party: 'caller' | 'callee', wanted: string): { type: string; text: string } {
  const custom = /^custom:([^:]+):([\s\S]*)$/.exec(wanted)
  if (custom !== null) return { type: custom[1] ?? '', text: custom[2] ?? '' }
  const [own, other] = party === 'caller' ? [dialog.caller, dialog.callee] : [dialog.callee, dialog.caller]
  const sdp = wanted === 'inbound' ? own?.sdp : wanted === 'outbound' ? other?.sdp : ''
  return sdp === undefined || sdp === '' ? { type: '', text: '' } : { type: 'application/sdp', text: sdp }
}
