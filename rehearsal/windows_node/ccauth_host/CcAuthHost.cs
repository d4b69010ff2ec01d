// Stand-in for IIS: hosts CCAuth's own C# under Mono, at the URL given on the command line.
//
//   mono ccauth.exe http://10.244.2.10:80/ccauth.svc        (0.0.0.0 listens on every address)
//   mono ccauth.exe http://10.244.2.10:80/x.svc Shop.Service Shop.IContract     (another service than CCAuth)
//
// Compiled together with workloads/ccauth/CCAuth.cs, unchanged. The service itself listens on loopback; what
// comes in at the URL passes a gate first, because Mono's WCF (6.8) dies of what IIS shrugs off: a POST
// without Content-Type ends the process, a HEAD is never answered. The gate passes GETs on and answers 405 or
// 400 to the rest itself. The service is hosted eight times over, in turn: Mono's dispatcher sleeps 100 ms
// after each request (mono 6.8, System.ServiceModel.Dispatcher/ChannelDispatcher.cs,
// ListenerLoopManager.LoopCore).

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.ServiceModel;
using System.ServiceModel.Description;
using System.ServiceModel.Web;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Microcosm
{
    public static class CcAuthHost
    {
        private const int Misuse = 2;
        private const int Services = 8;

        public static int Main(string[] args)
        {
            Uri url;
            IPAddress address;
            if ((args.Length != 1 && args.Length != 3)
                || !Uri.TryCreate(args[0], UriKind.Absolute, out url)
                || url.Scheme != "http"
                || !IPAddress.TryParse(url.Host, out address))
            {
                Console.Error.WriteLine(
                    "usage: ccauth.exe URL [SERVICE CONTRACT]   "
                    + "(http, with an IP address for a host: http://10.244.2.10:80/ccauth.svc)");
                return Misuse;
            }
            try
            {
                Type service = Type.GetType(args.Length == 3 ? args[1] : "Microcosm.CCAuth", true);
                Type contract = Type.GetType(args.Length == 3 ? args[2] : "Microcosm.ICCAuth", true);
                Run(url, address, service, contract);
                return 0;
            }
            catch (SocketException problem)
            {
                Console.Error.WriteLine(
                    "ccauth: cannot listen on {0}:{1}: {2}.", address, url.Port, problem.Message);
                return 1;
            }
        }

        private static void Run(Uri url, IPAddress address, Type service, Type contract)
        {
            // A waiting service holds a thread of the pool, which by itself grows by one or two in a second.
            ThreadPool.SetMinThreads(8 * Services, 8 * Services);
            int[] services = Enumerable.Range(0, Services)
                .Select(_ => OpenService(url.AbsolutePath, service, contract))
                .ToArray();
            var front = new TcpListener(address, url.Port);
            front.Start();
            Console.WriteLine(
                "ccauth: listening on {0} ({1} under Mono, a stand-in for IIS)", url, service.Name);
            for (int turn = 0; ; turn = (turn + 1) % services.Length)
            {
                var gate = new Gate(front.AcceptTcpClient(), services[turn]);
                Task.Run(() => gate.Serve());
            }
        }

        private static int OpenService(string path, Type service, Type contract)
        {
            int port = FreeLoopbackPort();
            var url = new Uri(
                string.Format(CultureInfo.InvariantCulture, "http://127.0.0.1:{0}{1}", port, path));
            var host = new WebServiceHost(service, url);
            // Exact: on the loopback address alone; the default is every address of the machine.
            var binding = new WebHttpBinding { HostNameComparisonMode = HostNameComparisonMode.Exact };
            host.AddServiceEndpoint(contract, binding, "");
            host.Description.Behaviors.Add(
                new ServiceThrottlingBehavior { MaxConcurrentCalls = 1, MaxConcurrentSessions = 1 });
            host.Open();
            return port;
        }

        private static int FreeLoopbackPort()
        {
            var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            int port = ((IPEndPoint)probe.LocalEndpoint).Port;
            probe.Stop();
            return port;
        }
    }

    // One connection, one request, one answer.
    public class Gate
    {
        private const int HeadLimit = 16384; // as HTTP.sys
        private const string EndOfHead = "\r\n\r\n";
        private static readonly string[] Replaced =
        {
            "Host:", "Connection:", "Content-Length:", "Transfer-Encoding:", "Expect:",
        };
        private static readonly Encoding Latin1 = Encoding.GetEncoding(28591); // byte for byte
        private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

        private readonly TcpClient client;
        private readonly int servicePort;

        public Gate(TcpClient client, int servicePort)
        {
            this.client = client;
            this.servicePort = servicePort;
        }

        public async Task Serve()
        {
            using (client)
            using (new Timer(late => client.Close(), null, Deadline, Timeout.InfiniteTimeSpan))
            {
                try
                {
                    await Answer(client.GetStream());
                    await LetGo(client.GetStream());
                }
                catch (Exception problem)
                {
                    // A caller who left, or came too slowly, ends its own connection and nothing else.
                    Console.Error.WriteLine("ccauth: connection dropped: {0}", problem.Message);
                }
            }
        }

        private async Task Answer(Stream caller)
        {
            string head = await ReadHead(caller);
            string method = head.Split(' ')[0];
            if (!head.Contains(EndOfHead))
            {
                await Reply(caller, "400 Bad Request");
            }
            else if (method != "GET")
            {
                await Reply(caller, "405 Method Not Allowed\r\nAllow: GET");
            }
            else
            {
                await Forward(head, caller);
            }
        }

        // Up to and with the empty line, or what there was when the caller stopped or passed the limit.
        private static async Task<string> ReadHead(Stream caller)
        {
            var buffer = new byte[HeadLimit];
            int length = 0;
            string head = "";
            while (length < HeadLimit && !head.Contains(EndOfHead))
            {
                int read = await caller.ReadAsync(buffer, length, HeadLimit - length);
                if (read == 0)
                {
                    break;
                }
                length += read;
                head = Latin1.GetString(buffer, 0, length);
            }
            return head;
        }

        private async Task Forward(string head, Stream caller)
        {
            using (var service = new TcpClient())
            {
                await service.ConnectAsync(IPAddress.Loopback, servicePort);
                Stream stream = service.GetStream();
                byte[] request = Latin1.GetBytes(OneRequestOnly(head));
                await stream.WriteAsync(request, 0, request.Length);
                await stream.CopyToAsync(caller);
            }
        }

        // Request line and headers up to the empty line. A body, which a GET has no use for, is neither
        // announced nor sent.
        private string OneRequestOnly(string head)
        {
            string untilEmptyLine = head.Substring(0, head.IndexOf(EndOfHead, StringComparison.Ordinal));
            var kept = from line in untilEmptyLine.Split(new[] { "\r\n" }, StringSplitOptions.None)
                       where !Replaced.Any(name => line.StartsWith(name, StringComparison.OrdinalIgnoreCase))
                       select line;
            string own = "\r\nHost: 127.0.0.1:" + servicePort + "\r\nConnection: close";
            return string.Join("\r\n", kept) + own + EndOfHead;
        }

        // Closing a connection with unread bytes resets it, and the caller may lose the answer: read them
        // away first.
        private async Task LetGo(Stream caller)
        {
            client.Client.Shutdown(SocketShutdown.Send);
            var unread = new byte[HeadLimit];
            while (await caller.ReadAsync(unread, 0, unread.Length) > 0)
            {
            }
        }

        private static Task Reply(Stream caller, string status)
        {
            string head = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close" + EndOfHead;
            byte[] answer = Latin1.GetBytes(head);
            return caller.WriteAsync(answer, 0, answer.Length);
        }
    }
}
