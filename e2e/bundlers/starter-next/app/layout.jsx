// Without an icon of its own, the browser asks for one and reports that there is none.
export const metadata = { title: 'Starter', icons: 'data:,' }

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
