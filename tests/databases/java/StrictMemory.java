import io.trino.plugin.memory.MemoryConnectorFactory;
import io.trino.spi.Plugin;
import io.trino.spi.connector.ColumnMetadata;
import io.trino.spi.connector.Connector;
import io.trino.spi.connector.ConnectorCapabilities;
import io.trino.spi.connector.ConnectorContext;
import io.trino.spi.connector.ConnectorFactory;
import io.trino.spi.connector.ConnectorMetadata;
import io.trino.spi.connector.ConnectorTableMetadata;
import io.trino.spi.connector.SchemaTableName;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** A catalog in memory that remembers which columns are NOT NULL; Trino itself refuses NULLs for them. */
public final class StrictMemory implements Plugin {
    @Override
    public Iterable<ConnectorFactory> getConnectorFactories() {
        MemoryConnectorFactory memory = new MemoryConnectorFactory();
        return List.of(new ConnectorFactory() {
            @Override
            public String getName() {
                return "strict";
            }

            @Override
            public Connector create(String name, Map<String, String> config, ConnectorContext context) {
                return strict(memory.create(name, config, context), new ConcurrentHashMap<>());
            }
        });
    }

    private static Connector strict(Connector memory, Map<SchemaTableName, Set<String>> notNull) {
        return wrapped(Connector.class, memory, (method, arguments, answer) -> switch (method) {
            case "getCapabilities" -> Set.of(ConnectorCapabilities.NOT_NULL_COLUMN_CONSTRAINT);
            case "getMetadata" -> strict((ConnectorMetadata) answer, notNull);
            default -> answer;
        });
    }

    private static ConnectorMetadata strict(ConnectorMetadata memory, Map<SchemaTableName, Set<String>> notNull) {
        return wrapped(ConnectorMetadata.class, memory, (method, arguments, answer) -> {
            if (method.equals("createTable") || method.equals("beginCreateTable")) {
                ConnectorTableMetadata table = (ConnectorTableMetadata) arguments[1];
                notNull.put(table.getTable(), table.getColumns().stream()
                    .filter(column -> !column.isNullable()).map(ColumnMetadata::getName)
                    .collect(Collectors.toSet()));
            }
            if (!method.equals("getTableMetadata")) {
                return answer;
            }
            ConnectorTableMetadata table = (ConnectorTableMetadata) answer;
            Set<String> names = notNull.getOrDefault(table.getTable(), Set.of());
            List<ColumnMetadata> columns = table.getColumns().stream()
                .map(column -> ColumnMetadata.builderFrom(column)
                    .setNullable(!names.contains(column.getName())).build())
                .collect(Collectors.toList());
            return new ConnectorTableMetadata(table.getTable(), columns, table.getProperties(), table.getComment());
        });
    }

    private interface Change {
        Object of(String method, Object[] arguments, Object answer);
    }

    private static <T> T wrapped(Class<T> type, T object, Change change) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type},
            (proxy, method, arguments) -> {
                try {
                    return change.of(method.getName(), arguments, method.invoke(object, arguments));
                } catch (InvocationTargetException error) {
                    throw error.getCause();
                }
            }));
    }
}
