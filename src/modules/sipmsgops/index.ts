import { defineModule } from '../../module/define.ts'
import { bodyFunctions } from './body-functions.ts'
import { headerFunctions } from './header-functions.ts'
import { optionFunctions } from './option-functions.ts'
import { requestFunctions } from './request-functions.ts'
import { sdpFunctions } from './sdp-functions.ts'
import { validateFunctions } from './validate-functions.ts'

/** Functions that read and edit messages header by header. */
export default defineModule(
  {
    name: 'sipmsgops',
    doc: 'Reads and edits headers, body and Request-URI of messages.',
    functions: {
      ...headerFunctions.specs,
      ...bodyFunctions.specs,
      ...requestFunctions.specs,
      ...optionFunctions.specs,
      ...sdpFunctions.specs,
      ...validateFunctions.specs,
    },
  },
  context => ({
    functions: {
      ...headerFunctions.handlers(context),
      ...bodyFunctions.handlers(context),
      ...requestFunctions.handlers(context),
      ...optionFunctions.handlers(context),
      ...sdpFunctions.handlers(context),
      ...validateFunctions.handlers(context),
    },
  }),
)
