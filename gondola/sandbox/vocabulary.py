"""The words of a Brazilian supermarket: departments, categories, what stands in them and who makes it.

Brands are invented, so that no planted fake discount points at a real company. The outline below is read by
`leaves()`: `# department weight`, `## category`, `### subcategory | cents from-to | brands | sizes`, then the goods,
and behind a `+` the varieties they come in. A category that carries the bars itself has no subcategories.
"""

# ruff: noqa: E501 - the outline is data: one line a shelf

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["BRANDS", "Leaf", "leaves"]

BRANDS: dict[str, tuple[str, ...]] = {
    "graos": (
        "Tio Anselmo",
        "Vale Dourado",
        "Grão Nobre",
        "Campo Lindo",
        "Sabor da Roça",
        "Dona Filó",
        "Arrozal",
        "Fazenda Boa Vista",
        "Caipirinha da Vó",
    ),
    "massas": ("Nonna Lúcia", "Trigal", "Bella Massa", "Santa Farina", "Casa Moretti", "Dom Genaro", "Monte Grano"),
    "doces": (
        "Cacau do Vale",
        "Doce Lar",
        "Bom Bocado",
        "Delícia Mineira",
        "Serra Doce",
        "Vó Zilda",
        "Lolita Doces",
        "Chocomel",
    ),
    "biscoitos": ("Crocantina", "Biscolar", "Trigal", "Douradinha", "Petisquinho", "Nhá Rosa", "Pão de Mel & Cia"),
    "conservas": ("Horta Viva", "Prato Cheio", "Olivar", "Dona Filó", "Mar Azul", "Conservare", "Sabor da Roça"),
    "cafe": (
        "Café Serrano",
        "Sete Morros",
        "Grão Forte",
        "Irmãos Tavares",
        "Café do Coador",
        "Alvorecer",
        "Fogão a Lenha",
    ),
    "laticinios": (
        "Vaquinha Feliz",
        "Campo Alto",
        "Leite Bom",
        "Serra Láctea",
        "Fazenda Nata",
        "Queijaria do Vale",
        "Branquinha",
        "Pasto Verde",
    ),
    "frios": ("Frigovale", "Bom Corte", "Granja Alegre", "Defumados Becker", "Casa Moretti", "Oeste Frios", "Pampeana"),
    "carnes": ("Boi na Brasa", "Frigovale", "Maturado Sul", "Estância 92", "Corte Real", "Campo Nobre"),
    "peixes": ("Mar Azul", "Costa Sul", "Pescado Nobre", "Frescamar"),
    "bebidas": (
        "Guaraíba",
        "Cola Sul",
        "Frutal do Vale",
        "Borbulha",
        "Laranjeira",
        "Refrescôco",
        "Sucão",
        "Bem Natural",
    ),
    "cervejas": (
        "Três Barris",
        "Cervejaria Dreiberg",
        "Lúpulo do Vale",
        "Malte Alto",
        "Cevada Real",
        "Bruma",
        "Chopeira Velha",
    ),
    "vinhos": (
        "Casa Aurélia",
        "Vinícola Monte Belo",
        "Quinta das Videiras",
        "Dom Olavo",
        "Vale dos Parreirais",
        "Serra Tinta",
    ),
    "limpeza": (
        "Brilha Mais",
        "Espumil",
        "Casa Limpa",
        "Lavabem",
        "Azulim do Lar",
        "Clorinho",
        "Pinhoforte",
        "Limpa Tudo Já",
    ),
    "higiene": (
        "Flor de Algodão",
        "Macieza",
        "Sorrisar",
        "Pele Viva",
        "Bem-me-Cuido",
        "Capilare",
        "Banho Bom",
        "Frescor Diário",
    ),
    "bebe": ("Nenê Sequinho", "Mamãe & Bebê", "Fralda Feliz", "Turminha", "Soninho Bom"),
    "pet": ("Patas & Cia", "Bom Focinho", "Miau Feliz", "Amigão", "Dog do Vale", "Ração Campeira"),
    "casa": ("Lar & Mesa", "Utilbom", "Casa Colorida", "Inox do Sul", "Plastcasa", "Dona Prática"),
    "congelados": ("Gelobom", "Granja Alegre", "Frio Pronto", "Sorvelar", "Congelare", "Forninho", "Norte Gelado"),
    "padaria": ("Panifício Central", "Forno da Vila", "Pão da Serra", "Nove Grãos", "Trigal", "Massa Mãe"),
    "natural": ("Mãe Natureza", "Vitalis Campo", "Jasmim da Serra", "Grão Vivo", "Leve & Bem", "Nutri Raiz"),
    "horti": ("Horta Viva", "Campo Lindo", "Verde Terra", "Sítio do Vale"),
}

_OUTLINE = """
# Mercearia 40
## Arroz e Feijão
### Arroz | 480-720 | graos | 1kg 2kg 5kg
Arroz Branco; Arroz Parboilizado; Arroz Integral; Arroz Arbóreo; Arroz Agulhinha + Tipo 1; Tipo 2; Premium
### Feijão | 590-990 | graos | 500g 1kg 2kg
Feijão Preto; Feijão Carioca; Feijão Vermelho; Feijão Branco; Feijão Fradinho + Tipo 1; Selecionado
### Grãos e Cereais | 450-1290 | graos | 250g 500g 1kg
Lentilha; Grão-de-Bico; Ervilha Seca; Milho de Pipoca; Canjica Branca; Quinoa em Grãos; Trigo para Quibe + Tradicional; Premium
## Massas
### Espaguete | 290-690 | massas | 400g 500g 1kg
Macarrão Espaguete; Macarrão Spaghettini; Macarrão Cabelo de Anjo; Macarrão Talharim + Sêmola; com Ovos; Grano Duro; Integral
### Massas Curtas | 290-690 | massas | 400g 500g 1kg
Macarrão Parafuso; Macarrão Penne; Macarrão Fusilli; Macarrão Padre Nosso; Macarrão Conchinha + Sêmola; com Ovos; Integral
### Massas Instantâneas | 149-399 | massas | 74g 80g 85g
Macarrão Instantâneo; Lámen; Macarrão Cremoso de Copo + Galinha Caipira; Carne; Bacon; Legumes; Tomate; Picante; Queijo
### Lasanha e Caneloni | 490-990 | massas | 200g 500g
Massa para Lasanha; Massa para Caneloni; Massa para Pastel + Fresca; Seca; Pré-Cozida
## Molhos e Temperos
### Molho de Tomate | 199-690 | conservas | 300g 340g 520g
Molho de Tomate; Extrato de Tomate; Polpa de Tomate; Tomate Pelado + Tradicional; Manjericão; Bolonhesa; Pizza; Picante
### Temperos | 249-890 | conservas | 30g 60g 100g 300g
Orégano; Pimenta-do-Reino; Cominho Moído; Tempero Completo; Caldo em Pó; Páprica; Açafrão + Tradicional; Picante; Defumado; sem Sal
### Maionese e Ketchup | 490-1290 | conservas | 200g 400g 500g 1kg
Maionese; Ketchup; Mostarda Amarela; Molho Barbecue; Molho Rosé; Molho Inglês + Tradicional; Light; Picante; com Azeite
### Vinagre | 290-990 | conservas | 500ml 750ml
Vinagre de Álcool; Vinagre de Maçã; Vinagre de Vinho Tinto; Vinagre Balsâmico + Tradicional; Colorido; Orgânico
## Óleos e Azeites
### Óleo | 590-1190 | graos | 500ml 900ml
Óleo de Soja; Óleo de Girassol; Óleo de Milho; Óleo de Canola; Óleo de Algodão + Tradicional; Especial
### Azeite | 2490-5990 | conservas | 250ml 500ml 1L
Azeite de Oliva Extra Virgem; Azeite de Oliva Tipo Único; Óleo Composto com Oliva + Clássico; Suave; Intenso; Português; Espanhol
## Açúcar e Adoçantes
### Açúcar | 390-890 | doces | 500g 1kg 2kg 5kg
Açúcar Refinado; Açúcar Cristal; Açúcar Mascavo; Açúcar Demerara; Açúcar de Confeiteiro + Tradicional; Orgânico; Especial
### Adoçante | 590-1690 | natural | 80ml 100ml 200ml
Adoçante Líquido; Adoçante Culinário; Adoçante Stevia; Adoçante Xilitol + Sucralose; Sacarina; Tradicional
## Cafés e Chás
### Café em Pó | 1490-2490 | cafe | 250g 500g 1kg
Café Torrado e Moído; Café Superior; Café Gourmet + Tradicional; Extra Forte; Suave; Descafeinado; a Vácuo; Almofada
### Café Solúvel | 990-2290 | cafe | 50g 100g 200g
Café Solúvel; Cappuccino; Café com Leite + Tradicional; Extra Forte; Descafeinado; Chocolate; Canela; Diet
### Café em Cápsula | 1690-2990 | cafe | 50g 80g 100g
Café em Cápsula; Café Espresso em Cápsula + Intensidade 6; Intensidade 8; Intensidade 10; Intensidade 12; Lungo; Ristretto
### Chás | 390-1290 | natural | 10g 15g 30g 200g
Chá de Camomila; Chá de Hortelã; Chá Mate Tostado; Chá Verde; Chá Preto; Erva-Mate + Tradicional; Limão; Pêssego; Orgânico
## Biscoitos
### Biscoito Recheado | 199-490 | biscoitos | 90g 130g 140g
Biscoito Recheado; Biscoito Sanduíche; Biscoito Wafer + Chocolate; Morango; Baunilha; Limão; Doce de Leite; Brigadeiro; Coco
### Biscoito Salgado | 290-690 | biscoitos | 100g 170g 200g 400g
Biscoito Cream Cracker; Biscoito Água e Sal; Biscoito Salgado; Torrada + Tradicional; Integral; Gergelim; Manteiga; Multigrãos
### Biscoito Doce | 290-790 | biscoitos | 170g 200g 360g 400g
Biscoito Maria; Biscoito Maisena; Rosquinha; Biscoito Amanteigado; Cookie + Tradicional; Chocolate; Coco; Leite; Nata; Canela
## Doces e Chocolates
### Chocolate | 490-1290 | doces | 20g 80g 90g 140g
Chocolate ao Leite; Chocolate Meio Amargo; Chocolate Branco; Tablete + Tradicional; Castanha; Amendoim; Crocante; Avelã; 70% Cacau
### Bombons e Caixas | 990-2990 | doces | 150g 250g 400g
Caixa de Bombons; Bombom Sortido; Trufas; Ovinhos de Chocolate + Sortidos; ao Leite; Meio Amargo; Presente
### Balas e Chicletes | 199-890 | doces | 15g 80g 150g 500g
Bala Mastigável; Chiclete; Pirulito; Bala de Goma; Drops; Paçoca + Morango; Hortelã; Uva; Sortidos; Tutti-Frutti; Melancia
### Sobremesas em Pó | 149-490 | doces | 20g 30g 50g
Gelatina em Pó; Pudim em Pó; Flan; Mousse em Pó + Morango; Uva; Abacaxi; Chocolate; Baunilha; Limão; Maracujá; Cereja; Diet
### Geleias e Mel | 690-2490 | natural | 230g 300g 500g
Geleia; Mel Puro; Doce de Leite; Creme de Avelã; Melado + Morango; Silvestre; Tradicional; Goiaba; Uva; Eucalipto; Diet
## Farinhas e Misturas
### Farinhas | 290-790 | graos | 500g 1kg 5kg
Farinha de Trigo; Farinha de Mandioca; Fubá; Farinha de Milho; Polvilho Azedo; Amido de Milho + Tradicional; Integral; Especial
### Misturas para Bolo | 390-790 | biscoitos | 300g 400g 450g
Mistura para Bolo; Mistura para Pão; Mistura para Pão de Queijo + Chocolate; Laranja; Fubá; Cenoura; Baunilha; Coco; Aipim
## Enlatados e Conservas
### Atum e Sardinha | 490-1290 | peixes | 85g 125g 170g 250g
Atum Ralado; Atum Sólido; Sardinha; Filé de Sardinha; Patê de Atum + em Óleo; ao Natural; com Tomate; Light; Limão; Defumado
### Vegetais em Conserva | 349-1290 | conservas | 170g 200g 300g
Milho Verde; Ervilha; Seleta de Legumes; Palmito; Azeitona Verde; Pepino; Cogumelo; Azeitona Preta + Lata; Vidro; Sachê; sem Caroço
## Cereais e Suplementos
### Cereal Matinal | 890-1990 | natural | 200g 300g 500g
Cereal Matinal; Granola; Aveia em Flocos; Farelo de Aveia; Müsli + Tradicional; Chocolate; Mel; Frutas; Light; Castanhas; Zero
### Barra de Cereal | 249-990 | natural | 22g 30g 66g
Barra de Cereal; Barra de Proteína; Barra de Nuts; Barra de Frutas + Banana; Chocolate; Coco; Morango; Castanha; Avelã; Amendoim
## Snacks
### Salgadinhos | 390-1290 | biscoitos | 45g 80g 110g 200g
Salgadinho de Milho; Batata Palha; Batata Frita Lisa; Batata Ondulada; Pipoca Pronta + Queijo; Churrasco; Cebola; Original; Picanha
### Amendoim e Castanhas | 590-2990 | graos | 100g 150g 200g 500g
Amendoim Japonês; Amendoim Torrado; Castanha de Caju; Mix de Castanhas; Castanha-do-Pará; Nozes + com Sal; sem Sal; Picante; Natural
# Bebidas 13
## Refrigerantes
### Refrigerante Cola | 390-1190 | bebidas | 350ml 600ml 1,5L 2L
Refrigerante Cola; Refrigerante Cola Café + Tradicional; Zero; Limão; Cereja
### Refrigerante Guaraná e Frutas | 350-990 | bebidas | 350ml 600ml 1,5L 2L
Refrigerante Guaraná; Refrigerante Laranja; Refrigerante Limão; Refrigerante Uva; Água Tônica; Soda + Tradicional; Zero; Light
## Sucos e Chás Prontos
### Suco Pronto | 390-1490 | bebidas | 200ml 1L 1,5L
Néctar; Suco Integral; Bebida de Fruta; Água de Coco + Uva; Laranja; Pêssego; Maracujá; Manga; Goiaba; Caju; Maçã; Tangerina
### Suco em Pó | 99-299 | bebidas | 18g 25g 30g
Refresco em Pó; Preparo para Refresco + Uva; Laranja; Limão; Maracujá; Abacaxi; Morango; Manga; Tangerina; Caju; Guaraná
### Chá Pronto | 390-990 | bebidas | 300ml 450ml 1,5L
Chá Mate Gelado; Chá Preto Gelado; Chá Verde Gelado + Limão; Pêssego; Natural; Zero; Frutas Vermelhas
## Águas | 149-690 | bebidas | 500ml 1,5L 5L
Água Mineral sem Gás; Água Mineral com Gás; Água Saborizada + Natural; Limão; Premium
## Energéticos e Isotônicos | 490-1290 | bebidas | 250ml 473ml 500ml
Energético; Isotônico; Bebida Proteica + Tradicional; Zero; Melancia; Frutas Tropicais; Uva; Tangerina; Maracujá
## Cervejas
### Cerveja Pilsen | 249-790 | cervejas | 269ml 350ml 473ml 600ml
Cerveja Pilsen; Cerveja Lager; Cerveja Puro Malte; Cerveja sem Álcool + Lata; Long Neck; Garrafa; Latão
### Cerveja Especial | 590-1890 | cervejas | 330ml 355ml 500ml 600ml
Cerveja IPA; Cerveja Weiss; Cerveja Pale Ale; Cerveja Stout; Cerveja Red Ale; Cerveja Witbier + Lata; Garrafa; Long Neck
## Vinhos e Destilados
### Vinho Tinto | 1990-6990 | vinhos | 375ml 750ml 1L
Vinho Tinto; Vinho Tinto Reservado + Cabernet Sauvignon; Merlot; Malbec; Carménère; Tannat; Suave; Seco; Bordô
### Vinho Branco e Espumante | 1990-6990 | vinhos | 375ml 750ml
Vinho Branco; Espumante; Vinho Rosé; Frisante + Chardonnay; Moscatel; Brut; Demi-Sec; Seco; Suave; Sauvignon Blanc
### Destilados | 1490-9990 | vinhos | 500ml 700ml 965ml 1L
Cachaça; Vodka; Gin; Whisky; Rum; Licor; Conhaque + Tradicional; Prata; Ouro; Envelhecida; 8 Anos; Limão; Frutas Vermelhas
# Frios e Laticínios 9
## Leites
### Leite UHT | 449-790 | laticinios | 1L
Leite UHT; Leite Zero Lactose; Bebida Láctea UHT + Integral; Desnatado; Semidesnatado
### Leite em Pó e Condensado | 590-2490 | laticinios | 200g 380g 395g 750g
Leite em Pó; Leite Condensado; Creme de Leite; Composto Lácteo + Integral; Desnatado; Instantâneo; Light; Zero Lactose
## Iogurtes
### Iogurte | 199-990 | laticinios | 90g 170g 500g 850g
Iogurte; Iogurte Grego; Bebida Láctea; Leite Fermentado; Petit Suisse + Natural; Morango; Coco; Mel; Frutas Vermelhas; Ameixa; Zero
### Sobremesas Lácteas | 249-890 | laticinios | 90g 100g 180g 400g
Sobremesa Láctea; Pudim; Flan; Arroz Doce; Manjar + Chocolate; Baunilha; Caramelo; Coco; Doce de Leite
## Queijos
### Queijo por Quilo | 3490-7990 | laticinios | kg
Queijo Mussarela; Queijo Prato; Queijo Colonial; Queijo Minas Frescal; Queijo Provolone; Queijo Parmesão + Peça; Fatiado; Fracionado
### Queijo Embalado | 690-2990 | laticinios | 50g 150g 200g 500g
Queijo Ralado; Requeijão Cremoso; Cream Cheese; Queijo Mussarela Fatiado; Queijo Coalho + Tradicional; Light; Zero Lactose
## Manteiga e Margarina | 490-1690 | laticinios | 200g 250g 500g 1kg
Manteiga; Margarina; Creme Vegetal + com Sal; sem Sal; Light; Cremosa
## Embutidos
### Presunto e Mortadela por Quilo | 1990-5990 | frios | kg
Presunto Cozido; Mortadela; Salame Italiano; Peito de Peru; Apresuntado; Copa + Fatiado; Peça; Defumado; sem Capa de Gordura
### Linguiça e Salsicha | 890-2990 | frios | 240g 400g 500g 1kg
Linguiça Toscana; Linguiça Calabresa; Salsicha; Bacon em Cubos; Linguiça de Frango + Tradicional; Defumada; Apimentada; Resfriada
# Açougue e Peixaria 4
## Bovinos | 2490-7990 | carnes | kg
Alcatra; Picanha; Contrafilé; Patinho; Coxão Mole; Acém; Costela; Carne Moída; Maminha + Bovina; Bovina a Vácuo; Bovina Resfriada
## Aves | 990-2990 | frios | kg
Peito de Frango; Coxa e Sobrecoxa; Asa de Frango; Frango Inteiro; Coração de Frango + Resfriado; Congelado; Bandeja; Temperado
## Suínos | 1490-3990 | frios | kg
Lombo Suíno; Costelinha Suína; Bisteca Suína; Pernil Suíno; Panceta + Resfriada; Congelada; Temperada
## Peixes | 1990-7990 | peixes | 400g 500g 800g
Filé de Tilápia; Camarão; Filé de Merluza; Salmão em Postas; Cação; Bacalhau Desfiado + Congelado; Limpo; Premium
# Hortifruti 4
## Frutas | 349-1690 | horti | kg
Banana Caturra; Maçã Gala; Laranja Pera; Manga Tommy; Mamão Formosa; Uva Itália; Melancia; Limão Tahiti; Abacaxi + Granel; Selecionada
## Legumes | 299-1290 | horti | kg
Tomate Longa Vida; Batata Inglesa; Cebola; Cenoura; Beterraba; Abobrinha; Chuchu; Batata-Doce; Pimentão + Granel; Selecionado; Lavado
## Verduras | 249-790 | horti | 150g 200g 300g
Alface Crespa; Rúcula; Agrião; Couve Manteiga; Brócolis; Espinafre; Repolho; Salsinha + Higienizada; Hidropônica; Orgânica; Maço
## Ovos | 790-2490 | horti | 6un 12un 20un 30un
Ovos Brancos; Ovos Vermelhos; Ovos Caipiras; Ovos de Codorna + Grandes; Extra; Jumbo
# Padaria 4
## Pães Industrializados | 690-1490 | padaria | 350g 400g 500g
Pão de Forma; Pão de Hambúrguer; Pão de Hot Dog; Bisnaguinha; Pão Sírio + Tradicional; Integral; Grãos; Zero Açúcar; Brioche
## Pães Frescos | 1190-2990 | padaria | kg
Pão Francês; Pão de Queijo; Pão Caseiro; Cuca; Pão de Milho + Tradicional; Integral; Recheado
## Bolos e Tortas | 890-2990 | padaria | 250g 300g 500g
Bolo Pronto; Panetone; Torta; Rocambole; Sonho + Chocolate; Laranja; Cenoura; Formigueiro; Coco; Nozes; Limão
# Congelados 4
## Pratos Prontos | 990-2990 | congelados | 280g 350g 600g
Lasanha Congelada; Escondidinho; Pizza Congelada; Torta Salgada + Bolonhesa; Frango; Quatro Queijos; Calabresa; Mussarela; Presunto
## Sorvetes | 490-3490 | congelados | 60g 500ml 1,5L 2L
Sorvete; Picolé; Açaí + Napolitano; Flocos; Chocolate; Creme; Morango; Limão; Maracujá; Pistache
## Batata e Vegetais Congelados | 790-2490 | congelados | 300g 400g 1kg 2kg
Batata Palito Congelada; Brócolis Congelado; Mandioca Congelada; Seleta Congelada; Pão de Queijo Congelado + Tradicional; Premium
## Hambúrguer e Empanados | 790-2990 | congelados | 56g 300g 672g 1kg
Hambúrguer; Nuggets; Empanado de Frango; Almôndega; Steak de Frango + Bovino; Crocante; Tradicional; Queijo; Picanha
# Limpeza 8
## Roupas
### Lava-Roupas | 890-3990 | limpeza | 400g 800g 1kg 3L 5L
Lava-Roupas em Pó; Lava-Roupas Líquido; Sabão em Barra; Tira-Manchas + Tradicional; Coco; Lavanda; Perfume do Campo; Concentrado
### Amaciante | 790-2490 | limpeza | 500ml 1L 2L 5L
Amaciante; Amaciante Concentrado; Facilitador de Passar + Azul; Rosas; Lavanda; Bebê; Brisa; Intenso
## Cozinha | 199-990 | limpeza | 360ml 500ml 1L
Detergente Líquido; Desengordurante; Limpa Alumínio; Lava-Louças Gel + Neutro; Maçã; Coco; Limão; Clear; Cristal
## Casa
### Desinfetantes | 390-1690 | limpeza | 500ml 1L 2L 5L
Desinfetante; Água Sanitária; Limpador Perfumado; Limpador Multiuso; Álcool + Lavanda; Pinho; Eucalipto; Tradicional; Floral; Cloro
### Inseticidas e Aromatizantes | 790-2490 | limpeza | 250ml 300ml 400ml
Inseticida Aerossol; Odorizador de Ar; Repelente; Aromatizador de Varetas + Mata Tudo; Lavanda; Vanilla; Citronela; sem Cheiro
## Papéis e Descartáveis | 490-2990 | limpeza | 4un 6un 12un 16un
Papel Higiênico; Papel Toalha; Guardanapo; Saco para Lixo; Esponja Multiuso + Folha Dupla; Folha Simples; Neutro; Econômico
# Higiene e Beleza 8
## Cabelos
### Shampoo | 890-2990 | higiene | 200ml 325ml 400ml 670ml
Shampoo; Shampoo Anticaspa; Shampoo a Seco + Hidratação; Reparação; Cachos; Liso; Detox; Ceramidas; Óleo de Argan; Infantil
### Condicionador e Cremes | 890-2990 | higiene | 200ml 300ml 325ml 1kg
Condicionador; Creme de Pentear; Máscara Capilar + Hidratação; Reparação; Cachos; Liso; Detox; Ceramidas; Óleo de Argan
## Banho
### Sabonete | 199-990 | higiene | 85g 90g 150g 250ml
Sabonete em Barra; Sabonete Líquido; Sabonete Antibacteriano + Erva-Doce; Lavanda; Hidratante; Aveia; Glicerina; Karité; Neutro
### Desodorante | 790-2490 | higiene | 50ml 90g 150ml
Desodorante Aerossol; Desodorante Roll-On; Desodorante em Creme + Invisible; Sport; sem Perfume; Men; Women; Clinical
## Higiene Bucal | 290-1990 | higiene | 50g 70g 90g 250ml 500ml
Creme Dental; Enxaguante Bucal; Gel Dental; Fio Dental + Menta; Branqueador; Sensível; Total; Infantil; Carvão; Hortelã
## Absorventes e Cuidados | 390-1990 | higiene | 8un 16un 32un
Absorvente; Protetor Diário; Lenço Umedecido; Algodão; Hastes Flexíveis + com Abas; sem Perfume; Noturno; Suave; Seca
# Bebê e Infantil 2
## Fraldas | 2990-8990 | bebe | 18un 26un 34un 52un
Fralda Descartável; Fralda Calça; Fralda Noturna + P; M; G; XG; XXG
## Alimentação Infantil | 390-5990 | bebe | 115g 120g 400g 800g
Papinha; Fórmula Infantil; Cereal Infantil; Composto Infantil + Banana; Frutas; Carne e Legumes; Etapa 1; Etapa 2; Arroz
# Pet Shop 2
## Cães | 290-8990 | pet | 100g 1kg 3kg 10,1kg
Ração para Cães; Sachê para Cães; Petisco para Cães; Bifinho + Adultos Carne; Filhotes; Raças Pequenas; Frango; Sênior; Cordeiro
## Gatos | 290-5990 | pet | 85g 500g 1kg 3kg
Ração para Gatos; Sachê para Gatos; Areia Higiênica; Petisco para Gatos + Adultos Peixe; Filhotes; Castrados; Carne; Salmão; Frango
# Utilidades 2
## Cozinha e Mesa | 490-9990 | casa | 1un 2un 4un 6un
Copo de Vidro; Frigideira Antiaderente; Pote Hermético; Faca de Serra; Assadeira; Xícara; Prato Raso + Preto; Inox; Colorido; Branco
## Organização | 690-6990 | casa | 1un 2un 3un
Caixa Organizadora; Cabide; Varal de Chão; Cesto de Roupas; Lixeira; Balde + Branco; Cinza; Transparente; Azul; com Tampa
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A place where goods stand, and the words for what stands there."""

    path: tuple[str, ...]
    """Department, category and, mostly, subcategory."""
    weight: int
    """The department's share of an assortment, in percent."""
    cents: tuple[int, int]
    """Usual price, from and to, of the middle size (of a kilo, for what is weighed)."""
    brands: tuple[str, ...]
    sizes: tuple[str, ...]
    goods: tuple[str, ...]
    varieties: tuple[str, ...]

    @property
    def weighed(self) -> bool:
        """Sold by weight, with a scale code in place of an EAN."""
        return self.sizes == ("kg",)


@lru_cache(maxsize=1)
def leaves() -> tuple[Leaf, ...]:
    """Every leaf of the outline, in its order."""
    found: list[Leaf] = []
    path: tuple[str, ...] = ()
    weight = 0
    terms: list[str] = []
    for line in _OUTLINE.strip().splitlines():
        if line.startswith("#"):
            marks, _, title = line.partition(" ")
            name, *terms = (part.strip() for part in title.split("|"))
            if marks == "#":
                name, _, share = name.rpartition(" ")
                weight = int(share)
            path = (*path[: len(marks) - 1], name)
            continue
        goods, _, varieties = line.partition("+")
        low, high = terms[0].split("-")
        found.append(
            Leaf(
                path=path,
                weight=weight,
                cents=(int(low), int(high)),
                brands=BRANDS[terms[1]],
                sizes=tuple(terms[2].split()),
                goods=tuple(part.strip() for part in goods.split(";")),
                varieties=tuple(part.strip() for part in varieties.split(";") if part.strip()),
            )
        )
    return tuple(found)
