import { Visits } from './visits-output.jsx'

// Rendered on the server for each request, so that the client is imported there while the app runs.
export const dynamic = 'force-dynamic'

export default function Page() {
  return <Visits />
}
