import io.trino.plugin.memory.MemoryPlugin;
import io.trino.server.testing.TestingTrinoServer;
import java.util.Map;

/** Trino's own server for tests, with two catalogs in memory, on a port of the loopback. */
public final class TrinoServer {
    public static void main(String[] arguments) throws Exception {
        TestingTrinoServer server = TestingTrinoServer.builder()
            .setProperties(Map.of("http-server.http.port", arguments[0])).build();
        server.installPlugin(new MemoryPlugin());
        server.createCatalog("memory", "memory", Map.of("memory.max-data-per-node", "256MB"));
        server.installPlugin(new StrictMemory());
        server.createCatalog("strict", "strict", Map.of("memory.max-data-per-node", "16MB"));
        System.out.println("ready " + server.getBaseUrl());
        Thread.currentThread().join();
    }
}
